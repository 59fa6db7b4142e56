-- A page of events of a type is read along its own entries, and not along all of the project's, or of the listener's.
-- What a look says of the project and of the seq lets it fit one of these only (src/postgres/event-sources.ts).
CREATE INDEX events_type_idx ON events ((project::bigint), type, seq) WHERE seq > 0;
CREATE INDEX events_listener_id_type_idx ON events (listener_id, type, seq) WHERE listener_id IS NOT NULL;
DROP INDEX events_listener_id_idx;
CREATE INDEX events_listener_id_idx ON events (listener_id, seq) WHERE listener_id IS NOT NULL AND seq > 0;
