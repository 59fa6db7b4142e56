-- Who may call, what a project may have, and who changed what: docs/decisions/0023-tenancy.md.

ALTER TABLE projects
  ADD COLUMN updated_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  ADD COLUMN display_name text,
  -- What its owner may have of each kind; what is not named has no bound of its own.
  ADD COLUMN quotas jsonb NOT NULL DEFAULT '{}',
  -- The addresses and networks that its listeners may be bound to; none named: any.
  ADD COLUMN bind_hosts text[] NOT NULL DEFAULT '{}';
UPDATE projects SET updated_at = created_at;

-- Its quota of listeners, beside their number: the append holds both under one lock.
ALTER TABLE log_heads ADD COLUMN listeners_max integer;

-- A secret is nowhere; its SHA-256 finds the key. While a rotation overlaps, the former one does so too.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  created_at bigint NOT NULL,
  expires_at bigint,
  former_ends_at bigint,
  last_used_at bigint,
  revoked_at bigint,
  -- Null: an operator's.
  project integer,
  name text NOT NULL,
  digest bytea NOT NULL,
  former_digest bytea,
  hint text NOT NULL,
  last_used_ip text,
  scopes text[] NOT NULL,
  created_by json NOT NULL
);
CREATE UNIQUE INDEX api_keys_digest_key ON api_keys (digest);
CREATE UNIQUE INDEX api_keys_former_digest_key ON api_keys (former_digest);
-- A key that is revoked leaves its name to another.
CREATE UNIQUE INDEX api_keys_name_key ON api_keys ((coalesce(project, 0)), name) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_project_id_idx ON api_keys (project, id);

-- Only written and, when it is old, deleted. The project's name stands here since the project may be gone.
CREATE TABLE audit_entries (
  id uuid PRIMARY KEY,
  time bigint NOT NULL,
  -- How many alike refusals it stands for.
  count integer NOT NULL,
  project integer,
  project_name text,
  actor_kind text NOT NULL,
  actor_id text,
  actor_hint text,
  operation text NOT NULL,
  resource_kind text,
  resource_id text,
  resource_name text,
  outcome text NOT NULL,
  source_ip text,
  user_agent text,
  request_id text,
  change json
);
CREATE INDEX audit_entries_project_id_idx ON audit_entries (project, id);
CREATE INDEX audit_entries_time_idx ON audit_entries (time);
