-- Times are whole microseconds since the Unix epoch in bigint: exact in every client, one integer to write and
-- to read. `to_timestamp(accepted_at / 1e6)` shows one to people. Addresses have no prefix length: each is one host.
--
-- There are no foreign keys: one statement writes these rows and knows what it writes, the purge takes them
-- together, and each check would cost the append a look-up and a lock per row.

CREATE TYPE protocol AS ENUM ('tcp', 'udp', 'tls');
CREATE TYPE listener_state AS ENUM ('pending', 'listening', 'failed', 'draining', 'closed');
CREATE TYPE listener_mode AS ENUM ('echo', 'discard', 'info');
CREATE TYPE recording AS ENUM ('batched', 'durable');
CREATE TYPE close_initiator AS ENUM ('peer', 'server', 'operator', 'system');
CREATE TYPE close_reason AS ENUM (
  'peer_fin', 'peer_rst', 'idle_timeout', 'max_duration', 'max_bytes', 'write_timeout', 'fault', 'operator_fin',
  'operator_rst', 'listener_deleted', 'shutdown', 'worker_crashed', 'interrupted', 'tls_error',
  'proxy_header_error', 'error'
);
CREATE TYPE event_type AS ENUM (
  'listener_created', 'listener_listening', 'listener_failed', 'listener_updated', 'listener_closed',
  'connection_opened', 'connection_half_closed', 'connection_closed', 'connection_refused'
);

-- The one row that every append locks: so appends commit one after the other, in the order of their seqs.
CREATE TABLE log_head (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  seq bigint NOT NULL,
  oldest_seq bigint NOT NULL,
  -- The latest time of any event so far.
  max_time bigint NOT NULL,
  -- The newest of log_marks.
  marked_seq bigint NOT NULL,
  -- How many nodes there are: a lone one has nobody to tell of its appends.
  node_count integer NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head (seq, oldest_seq, max_time, marked_seq, node_count) VALUES (0, 1, 0, 0, 0);

-- Where the log stood every few thousand events: up to seq, no event is later than max_time. Both rise together,
-- so the place of any time is found without an index over the times of all events.
CREATE TABLE log_marks (
  seq bigint PRIMARY KEY,
  max_time bigint NOT NULL
);
CREATE INDEX log_marks_max_time_idx ON log_marks (max_time, seq);

-- A node's place in the log: only the process of the newest epoch may append, each number once.
CREATE TABLE nodes (
  ref smallint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  id text NOT NULL,
  epoch bigint NOT NULL,
  append_number bigint NOT NULL,
  first_seq bigint NOT NULL
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX nodes_id_key ON nodes (id);

CREATE TABLE listeners (
  id uuid PRIMARY KEY,
  node smallint NOT NULL,
  name text,
  labels jsonb NOT NULL,
  protocol protocol NOT NULL,
  host text NOT NULL,
  port integer NOT NULL,
  mode listener_mode NOT NULL,
  state listener_state NOT NULL,
  reason jsonb,
  laddr inet,
  lport integer,
  limits jsonb NOT NULL,
  faults jsonb NOT NULL,
  tls jsonb,
  proxy_protocol jsonb NOT NULL,
  recording recording NOT NULL,
  sockets jsonb NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  closed_at bigint,
  expires_at bigint,
  -- Closed ones may be many: those that are not have indexes of their own, which Prisma's conditions can use.
  is_live boolean NOT NULL GENERATED ALWAYS AS (state <> 'closed') STORED
);
CREATE UNIQUE INDEX listeners_name_key ON listeners (name) WHERE is_live;
CREATE INDEX listeners_live_idx ON listeners (id) WHERE is_live;
-- A port may have had many, one after the other.
CREATE INDEX listeners_lport_idx ON listeners (lport, closed_at);

-- Apart from the listener, since every append changes it: a narrow row, its new version in the same page.
CREATE TABLE listener_counts (
  listener_id uuid PRIMARY KEY,
  open_connections integer NOT NULL,
  total_connections bigint NOT NULL
) WITH (fillfactor = 50);

-- Apart from the listener, so that no query for listeners can show it.
CREATE TABLE listener_secrets (
  listener_id uuid PRIMARY KEY,
  tls_key text NOT NULL
);

-- Connections whose closed event is not written yet. The opened event is the row: its seq is opened_seq.
CREATE TABLE open_connections (
  id uuid PRIMARY KEY,
  listener_id uuid NOT NULL,
  opened_seq bigint NOT NULL,
  accepted_at bigint NOT NULL,
  first_byte_at bigint,
  half_closed_at bigint,
  bytes_in bigint NOT NULL,
  bytes_out bigint NOT NULL,
  pid integer NOT NULL,
  fd integer NOT NULL,
  lport integer NOT NULL,
  rport integer NOT NULL,
  declared_rport integer,
  protocol protocol NOT NULL,
  node smallint NOT NULL,
  laddr inet NOT NULL,
  raddr inet NOT NULL,
  declared_raddr inet,
  tls jsonb
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX open_connections_opened_seq_key ON open_connections (opened_seq);
CREATE INDEX open_connections_listener_id_idx ON open_connections (listener_id, id);

-- History: a row is written once, when all is known, and deleted once. It is two events of the log, the opened
-- one at opened_seq and the closed one at closed_seq.
CREATE TABLE closed_connections (
  id uuid NOT NULL,
  listener_id uuid NOT NULL,
  opened_seq bigint NOT NULL,
  closed_seq bigint NOT NULL,
  accepted_at bigint NOT NULL,
  first_byte_at bigint,
  half_closed_at bigint,
  closed_at bigint NOT NULL,
  bytes_in bigint NOT NULL,
  bytes_out bigint NOT NULL,
  pid integer NOT NULL,
  fd integer NOT NULL,
  lport integer NOT NULL,
  rport integer NOT NULL,
  declared_rport integer,
  protocol protocol NOT NULL,
  close_initiator close_initiator NOT NULL,
  close_reason close_reason NOT NULL,
  net integer NOT NULL,
  node smallint NOT NULL,
  laddr inet NOT NULL,
  raddr inet NOT NULL,
  declared_raddr inet,
  error text,
  tls jsonb,
  CONSTRAINT closed_connections_pkey PRIMARY KEY (id) INCLUDE (close_reason, protocol, raddr)
  -- The lists below are read without the rows where vacuum has been. With nothing deleted it looks at new pages only.
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE UNIQUE INDEX closed_connections_opened_seq_key ON closed_connections (opened_seq);
CREATE UNIQUE INDEX closed_connections_closed_seq_key ON closed_connections (closed_seq);
CREATE INDEX closed_connections_listener_id_opened_seq_idx ON closed_connections (listener_id, opened_seq);
CREATE INDEX closed_connections_listener_id_closed_seq_idx ON closed_connections (listener_id, closed_seq);
-- Lists of the history, newest last, for the filters of src/postgres/history.ts. What they include lets a list be
-- checked for other filters without a look at the rows. `net` is the wider network of raddr.
CREATE INDEX closed_connections_listener_id_idx ON closed_connections (listener_id, id)
  INCLUDE (close_reason, protocol, raddr);
CREATE INDEX closed_connections_raddr_idx ON closed_connections (raddr, id)
  INCLUDE (close_reason, protocol, listener_id);
CREATE INDEX closed_connections_net_idx ON closed_connections (net, id) INCLUDE (close_reason, protocol, raddr);
-- Most connections speak TCP and end with the peer's FIN: these cost them nothing.
CREATE INDEX closed_connections_close_reason_idx ON closed_connections (close_reason, id)
  INCLUDE (protocol, listener_id, raddr) WHERE close_reason <> 'peer_fin';
CREATE INDEX closed_connections_listener_id_close_reason_idx ON closed_connections (listener_id, close_reason, id)
  WHERE close_reason <> 'peer_fin';
CREATE INDEX closed_connections_raddr_close_reason_idx ON closed_connections (raddr, close_reason, id)
  WHERE close_reason <> 'peer_fin';
CREATE INDEX closed_connections_protocol_idx ON closed_connections (protocol, id)
  INCLUDE (close_reason, listener_id, raddr) WHERE protocol <> 'tcp';

-- The events that no connection's row tells: those of listeners, refusals, and half-closes. `data` is the thing as
-- it was at the event: half-closes are rare (most clients' FIN ends the connection), so theirs is whole too.
CREATE TABLE events (
  seq bigint PRIMARY KEY,
  time bigint NOT NULL,
  listener_id uuid NOT NULL,
  connection_id uuid,
  type event_type NOT NULL,
  data json NOT NULL
);
CREATE INDEX events_listener_id_idx ON events (listener_id, seq);
CREATE INDEX events_connection_id_idx ON events (connection_id, seq) WHERE connection_id IS NOT NULL;

CREATE TABLE idempotency_keys (
  key text PRIMARY KEY,
  body_hash text NOT NULL,
  status integer,
  body text,
  created_at bigint NOT NULL
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
