-- What may be large of a listener, once for each generation of it: events name the generation instead of holding it.
-- `bytes` is about what it takes to show it: a page is cut by it before any of them is read.
CREATE TABLE listener_specs (
  listener_id uuid NOT NULL,
  generation integer NOT NULL,
  bytes integer NOT NULL,
  labels jsonb NOT NULL,
  limits json NOT NULL,
  faults json NOT NULL,
  tls json,
  proxy_protocol json NOT NULL,
  PRIMARY KEY (listener_id, generation)
);

INSERT INTO listener_specs
SELECT id, 1, octet_length(labels::text) + octet_length(limits::text) + octet_length(faults::text)
  + coalesce(octet_length(tls::text), 0) + octet_length(proxy_protocol::text),
  labels, limits, faults, tls, proxy_protocol
FROM listeners;

ALTER TABLE listeners
  ADD COLUMN generation integer NOT NULL DEFAULT 1,
  ADD COLUMN spec_bytes integer NOT NULL DEFAULT 0;
UPDATE listeners l SET spec_bytes = s.bytes FROM listener_specs s WHERE s.listener_id = l.id;
ALTER TABLE listeners
  ALTER COLUMN generation DROP DEFAULT,
  ALTER COLUMN spec_bytes DROP DEFAULT,
  DROP COLUMN labels,
  DROP COLUMN limits,
  DROP COLUMN faults,
  DROP COLUMN tls,
  DROP COLUMN proxy_protocol;

-- Of listeners' events. One from before has none: it holds its listener whole.
ALTER TABLE events ADD COLUMN generation integer;
CREATE INDEX events_generation_idx ON events (listener_id, generation, seq) WHERE generation IS NOT NULL;
