-- What a node has is looked at with each listener that is placed, and as a whole when its node begins.
CREATE INDEX listeners_node_idx ON listeners (node, id) WHERE is_live;
