-- A start asks which ports its node let go of lately, whichever projects they were of.
CREATE INDEX listeners_ended_idx ON listeners (node, closed_at) WHERE closed_at IS NOT NULL;
