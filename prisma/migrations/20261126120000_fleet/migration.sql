-- Nodes on hosts of their own. What writes for a node has its place in `writers`, as the process of a built-in one has:
-- the place's epoch is the number of the node's session.
ALTER TABLE nodes
  DROP COLUMN session,
  ADD COLUMN last_seen_at bigint,
  ADD COLUMN removed_at bigint,
  ADD COLUMN dropped_records bigint NOT NULL DEFAULT 0,
  ADD COLUMN clock_offset_ms bigint,
  ADD COLUMN join_token uuid,
  ADD COLUMN spool_records integer NOT NULL DEFAULT 0,
  ADD COLUMN port_from integer,
  ADD COLUMN port_to integer,
  ADD COLUMN version text,
  ADD COLUMN hostname text,
  ADD COLUMN listen_host text,
  ADD COLUMN addresses text[] NOT NULL DEFAULT '{}';
-- A join that is repeated finds the node that it made.
CREATE UNIQUE INDEX nodes_join_token_key_key ON nodes (join_token, key) WHERE join_token IS NOT NULL;
CREATE INDEX nodes_replica_idx ON nodes (replica) WHERE replica IS NOT NULL;

-- How far the numbered records of a node's boot are on record, in each project's log: written with them, or not at all.
DROP TABLE node_streams;
CREATE TABLE node_streams (
  through bigint NOT NULL,
  node integer NOT NULL,
  project integer NOT NULL,
  boot uuid NOT NULL,
  PRIMARY KEY (node, project)
) WITH (fillfactor = 10);

-- One row. A sweep is a tick that at most one replica wins: by sweeps, and by nobody's clock, it is known who is overdue.
CREATE TABLE fleet (
  sweep bigint NOT NULL DEFAULT 1,
  swept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  installation uuid NOT NULL DEFAULT gen_random_uuid(),
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
) WITH (fillfactor = 10);
INSERT INTO fleet DEFAULT VALUES;

CREATE TABLE join_tokens (
  id uuid PRIMARY KEY,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_at bigint,
  project integer NOT NULL,
  uses_max integer NOT NULL,
  uses integer NOT NULL DEFAULT 0,
  shared boolean NOT NULL,
  digest bytea NOT NULL,
  hint text NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}',
  created_by json NOT NULL
);
CREATE UNIQUE INDEX join_tokens_digest_key ON join_tokens (digest);
CREATE INDEX join_tokens_project_id_idx ON join_tokens (project, id);

-- What one replica asks of the one that has the node's session, and the answer. Nobody waits for long: a server that
-- crashes may forget them.
CREATE UNLOGGED TABLE node_commands (
  id uuid PRIMARY KEY,
  deadline timestamptz NOT NULL,
  node integer NOT NULL,
  project integer NOT NULL,
  -- As a TLS key lies: see listener_secrets. It may hold one.
  key_id text,
  command bytea NOT NULL,
  answer text
);
CREATE INDEX node_commands_node_idx ON node_commands (node, id) WHERE answer IS NULL;
CREATE INDEX node_commands_deadline_idx ON node_commands (deadline);
