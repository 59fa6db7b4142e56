-- What one thing went through, and what one key did, newest first.
CREATE INDEX audit_entries_resource_id_id_idx ON audit_entries (resource_id, id);
CREATE INDEX audit_entries_resource_name_id_idx ON audit_entries (resource_name, id);
CREATE INDEX audit_entries_actor_id_id_idx ON audit_entries (actor_id, id);
