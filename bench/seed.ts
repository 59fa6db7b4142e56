/**
 * Fills a database with a history as large as wished, by SQL alone: connections in time order over the last 20
 * days, each with its opened and its closed event, of 1,000 listeners, from a few heavy and many light sources.
 *
 *   sources   40 % of 20 addresses in 10.0.0.0/24, the first the heaviest · 30 % of 65,536 in 10.1.0.0/16 ·
 *             18 % of 65,536 in 192.168.0.0/16 · 6 % of 65,536 in 2001:db8::/32 · 2 % of 256 in 203.0.113.0/24 ·
 *             4 % of 65,536 in 172.16.0.0/16, which check the second listener's health and leave with a reset ·
 *             198.51.0.0/16 only in the first twentieth of the time, a fifth of it, half of that from 198.51.100.0/24
 *   listeners the first has 10 % of all, the last 0.03 %; 1 in 10 speaks TLS, 1 in 10 UDP
 *   reasons   from peer_fin (90 %) down to operator_rst (about one in a million); tls_error only where TLS is
 */
import pg from 'pg';
import { EmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.ts';
import { readNodeId } from '../src/node/node-id.ts';
import { PostgresStore } from '../src/postgres/postgres-store.ts';
import type { RowOptions } from './row.ts';

export const listenerCount = 1000;
const openCount = 5000;
const chunkSize = 500_000;
const spanMicros = 20 * 86_400 * 1e6;
const markEvents = 4096;

const explainSettings = [
  `session_preload_libraries = 'auto_explain'`,
  'auto_explain.log_min_duration = -1',
  'auto_explain.log_analyze = on',
  'auto_explain.log_buffers = on',
];

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

export async function seed({ connections, dataDir }: RowOptions): Promise<void> {
  await using server = await EmbeddedPostgres.start({
    dataDir,
    log: quiet,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 60_000,
  });
  const { connectionString } = server;
  const nodeId = await readNodeId(dataDir);
  {
    await using store = await PostgresStore.open({ connectionString, nodeId, log: quiet });
    await store.nodes.takeOwn();
  }
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await fill(client, connections);
  } finally {
    await client.end();
  }
}

async function fill(client: pg.Client, connections: number): Promise<void> {
  const { rows } = await client.query<{ seq: string }>(
    'SELECT seq FROM log_heads WHERE project = 1',
  );
  if (Number(rows[0]?.seq) > 0) throw new Error('the database is not empty: remove its directory');
  await client.query(
    `SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET jit = off`,
  );
  await client.query(listenersSql);
  const indexes = await client.query<{ indexname: string; indexdef: string }>(
    `SELECT indexname, indexdef FROM pg_indexes
      WHERE tablename = 'closed_connections' AND indexname NOT LIKE '%pkey'`,
  );
  for (const { indexname } of indexes.rows) await client.query(`DROP INDEX ${indexname}`);
  const startMicros = Date.now() * 1000 - spanMicros;
  const stepMicros = Math.floor(spanMicros / connections);
  for (let from = 0; from < connections; from += chunkSize) {
    const to = Math.min(from + chunkSize, connections) - 1;
    await client.query(closedSql, [from, to, startMicros, stepMicros, connections]);
    console.log(`${to + 1} connections`);
  }
  for (const { indexname, indexdef } of indexes.rows) {
    await client.query(indexdef);
    console.log(indexname);
  }
  await client.query(openSql, [startMicros + spanMicros - openCount * 1e6, 2 * connections]);
  await client.query(countsSql);
  const headSeq = 2 * connections + openCount;
  await client.query(marksSql, [headSeq, startMicros, stepMicros, startMicros + spanMicros]);
  await client.query('VACUUM (ANALYZE)');
  await client.query('CHECKPOINT');
  // So that the row `history` can ask for the plans of the very statements that kodama sends.
  for (const setting of explainSettings) await client.query(`ALTER SYSTEM SET ${setting}`);
  const size = await client.query<{ size: string }>(
    'SELECT pg_size_pretty(pg_database_size(current_database())) AS size',
  );
  console.log(`${connections} connections, ${headSeq} events, ${size.rows[0]?.size}`);
}

/** A UUIDv7 of a time in microseconds (RFC 9562, 5.7). */
const uuidOf = (micros: string): string => `(lpad(to_hex(${micros} / 1000), 12, '0') || '7'
  || lpad(to_hex((random() * 4095)::int), 3, '0') || to_hex(8 + (random() * 3)::int)
  || lpad(to_hex((random() * 1e18)::bigint & x'fffffffffffffff'::bigint), 15, '0'))::uuid`;

/** As rows.ts has it; the IPv6 addresses here are all of one net. */
const netOf = (raddr: string): string => `(CASE family(${raddr}) WHEN 6 THEN x'20010db8'::integer
  ELSE (${raddr} - '0.0.0.0'::inet) >> 16 END)::integer`;

const listenersSql = `WITH made AS (
  INSERT INTO listeners (id, node, name, protocol, host, port, mode, state, laddr, lport, recording, sockets,
    created_at, updated_at, closed_at, generation, spec_bytes, project, revision)
  SELECT ${uuidOf('at + n')}, 1, 'seed-' || n,
    (CASE n % 10 WHEN 7 THEN 'tls' WHEN 8 THEN 'udp' ELSE 'tcp' END)::protocol, '127.0.0.1', 20000 + n, 'echo',
    'closed', '127.0.0.1', 20000 + n, 'batched', '[]', at, now, now, 1, 50, 1, 1
  FROM generate_series(0, ${listenerCount - 1}) n,
    (SELECT now, now - ${21 * 86_400 * 1e6} AS at FROM (SELECT (extract(epoch FROM now()) * 1e6)::bigint) t(now)) time
  RETURNING id
)
INSERT INTO listener_specs (listener_id, generation, bytes, labels, limits, faults, proxy_protocol)
SELECT id, 1, 50, '{}', '{}', '[]', '{"mode": "off", "trustedCidrs": []}' FROM made`;

/** What a connection is, drawn from five random numbers. */
const drawn = (source: string): string => `drawn AS MATERIALIZED (
  SELECT i, at, n, protocol, span,
    (CASE WHEN is_check THEN '172.16.' || byte_1 || '.' || byte_2
      WHEN is_early AND who < 0.2 THEN '198.51.' || CASE WHEN skew < 0.5 THEN 100 ELSE byte_1 END || '.' || byte_2
      WHEN who < 0.4 THEN '10.0.0.' || 1 + floor(20 * skew * skew)
      WHEN who < 0.7 THEN '10.1.' || byte_1 || '.' || byte_2
      WHEN who < 0.88 THEN '192.168.' || byte_1 || '.' || byte_2
      WHEN who < 0.94 THEN '2001:db8:' || to_hex(byte_1) || '::' || to_hex(byte_2)
      ELSE '203.0.113.' || byte_2 END)::inet AS raddr,
    (CASE WHEN is_check THEN 'peer_rst'
      WHEN why < 0.000001 THEN 'operator_rst' WHEN why < 0.0001 THEN 'max_bytes'
      WHEN why < 0.001 THEN 'write_timeout' WHEN why < 0.005 THEN 'max_duration' WHEN why < 0.015 THEN 'error'
      WHEN why < 0.03 AND protocol = 'tls' THEN 'tls_error' WHEN why < 0.045 THEN 'idle_timeout'
      WHEN why < 0.1 THEN 'peer_rst' ELSE 'peer_fin' END)::close_reason AS reason,
    1024 + (why * 1e9)::bigint % 60000 AS rport, 64 + (skew * 1e9)::bigint % 100000 AS bytes
  FROM (SELECT i, at, n, is_early, is_check, who, random() AS skew, random() AS why, random() AS span,
      floor(256 * random())::int AS byte_1, floor(256 * random())::int AS byte_2,
      (CASE n % 10 WHEN 7 THEN 'tls' WHEN 8 THEN 'udp' ELSE 'tcp' END)::protocol AS protocol
    FROM (SELECT i, at, is_early, who, who > 0.96 AS is_check,
        CASE WHEN who > 0.96 THEN 1 ELSE floor(${listenerCount} * power(random(), 3))::int END AS n
      FROM (SELECT *, random() AS who FROM ${source} OFFSET 0) sources OFFSET 0) listeners OFFSET 0) numbers
)`;

const closedSql = `WITH ${drawn(`(SELECT i, $3::bigint + i * $4::bigint + floor($4::bigint * random() / 2)::bigint AS at,
      i < $5::bigint / 20 AS is_early
    FROM generate_series($1::bigint, $2::bigint) i OFFSET 0) places`)}
INSERT INTO closed_connections (id, listener_id, opened_seq, closed_seq, accepted_at, first_byte_at, closed_at,
  bytes_in, bytes_out, pid, fd, lport, rport, protocol, close_initiator, close_reason, net, node, project, laddr, raddr,
  error)
SELECT ${uuidOf('at')}, l.id, 2 * i + 1, 2 * i + 2, at, at + 100, at + 200 + floor(span * $4::bigint / 4)::bigint,
  bytes, bytes, 1000, 20 + i % 1000, 20000 + n, rport, d.protocol,
  (CASE WHEN d.reason IN ('peer_fin', 'peer_rst') THEN 'peer' WHEN d.reason = 'operator_rst' THEN 'operator'
    WHEN d.reason IN ('error', 'tls_error') THEN 'system' ELSE 'server' END)::close_initiator,
  d.reason, ${netOf('d.raddr')}, 1, 1, '127.0.0.1', d.raddr, CASE d.reason WHEN 'peer_rst' THEN 'ECONNRESET' END
FROM drawn d JOIN listeners l ON l.name = 'seed-' || n ORDER BY i`;

/** Of another node, which our own start leaves alone. */
const openSql = `WITH other AS (
    INSERT INTO nodes (created_at, project, is_built_in, shared, id, name)
    VALUES (0, 1, true, true, 'another', 'another') RETURNING ref
  ), writer AS (
    INSERT INTO writers (ref, epoch, append_number, id) SELECT ref, 1, 0, 'another' FROM other
  ), ${drawn(`(SELECT i, $1::bigint + i * 1000000::bigint AS at,
      false AS is_early FROM generate_series(1, ${openCount}) i OFFSET 0) places`)}
INSERT INTO open_connections (id, listener_id, opened_seq, accepted_at, first_byte_at, half_closed_at, bytes_in,
  bytes_out, pid, fd, lport, rport, protocol, node, project, laddr, raddr)
SELECT ${uuidOf('at')}, l.id, $2::bigint + i, at, at + 100, CASE WHEN i % 50 = 0 THEN at + 200 END, bytes, bytes, 1000,
  i, 20000 + n, rport, d.protocol, other.ref, 1, '127.0.0.1', raddr
FROM other, drawn d JOIN listeners l ON l.name = 'seed-' || n ORDER BY i`;

const countsSql = `INSERT INTO listener_counts (listener_id, open_connections, total_connections)
  SELECT id, (SELECT count(*) FROM open_connections o WHERE o.listener_id = l.id),
    (SELECT count(*) FROM closed_connections c WHERE c.listener_id = l.id) FROM listeners l`;

const marksSql = `WITH head AS (
    UPDATE log_heads SET seq = $1::bigint, max_time = $4::bigint,
      marked_seq = $1::bigint / ${markEvents} * ${markEvents}
  )
  INSERT INTO log_marks (project, seq, max_time) SELECT 1, seq, least($4::bigint, $2::bigint + (seq / 2 + 1) * $3::bigint)
  FROM generate_series(${markEvents}::bigint, $1::bigint, ${markEvents}) seq`;
