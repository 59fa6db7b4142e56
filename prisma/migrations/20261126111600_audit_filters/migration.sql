-- A page of what is rare in a project's audit is read along its own entries, and not along all of the project's.
CREATE INDEX audit_entries_project_operation_id_idx ON audit_entries (project, operation, id);
CREATE INDEX audit_entries_project_outcome_id_idx ON audit_entries (project, outcome, id);
