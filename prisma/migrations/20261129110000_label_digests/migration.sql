-- Listeners are looked up by their labels among those of one project, and by the labels of their newest generation: what
-- leads to them is beside the row of the listener, and has the project in it. Of each label a digest of the project, the
-- key and the value, as src/postgres/label-digests.ts makes it; one without labels has none, and costs the index nothing.
ALTER TABLE listeners ADD COLUMN label_digests uuid[];

UPDATE listeners l SET label_digests = (
  SELECT array_agg(encode(substr(sha256(convert_to(l.project || E'\n' || t.key || E'\n' || t.value, 'UTF8')), 1, 16), 'hex')::uuid)
  FROM listener_specs s, jsonb_each_text(s.labels) t WHERE s.listener_id = l.id AND s.generation = l.generation
)
WHERE EXISTS (
  SELECT FROM listener_specs s WHERE s.listener_id = l.id AND s.generation = l.generation AND s.labels <> '{}'
);

DROP INDEX listener_specs_labels_idx;
-- Without a list of pending entries, which an append would have to work off now and then.
CREATE INDEX listeners_labels_idx ON listeners USING gin (label_digests) WITH (fastupdate = off)
  WHERE label_digests IS NOT NULL;
