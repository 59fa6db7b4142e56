/**
 * The append: one statement, one transaction, one round trip, with a part for each table that it writes to.
 *
 *   fence   this process still has its node's place, and the number was not done yet; else nothing happens
 *   head    takes as many seqs as there are events: its row's lock puts the appends of all nodes in one order
 *   …       the rows, whose seqs count from head's base
 *
 * A reader that sees a head sees all up to it: the next append gets past `head` only after this one is visible.
 */

import type { AppendBatch } from './append-batch.ts';
import type { Statement } from './database.ts';
import { listenerColumns } from './listener-rows.ts';
import { recordsLiteral } from './record-literal.ts';

export interface Fence {
  /** The node's number in the rows. */
  readonly node: number;
  readonly epoch: number;
  readonly number: number;
}

/** How far apart the marks are, by which a time's place in the log is found. */
const markEvents = 4096;

/** Told to the other nodes, where there are any. */
export const notifyChannel = 'kodama_log';

interface Part {
  readonly letter: string;
  readonly value: unknown;
  readonly sql: (parameter: string) => string;
}

/** Gives one row with the first seq, or none when the fence did not hold. */
export function appendStatement(batch: AppendBatch, fence: Fence): Statement {
  const parts = partsOf(batch);
  const values: unknown[] = [
    fence.node,
    fence.epoch,
    fence.number,
    batch.eventCount,
    batch.maxTime,
    batch.bytes,
  ];
  const sqls = parts.map(({ sql, value }) => {
    values.push(value);
    return sql(`$${values.length}`);
  });
  return {
    name: `append ${parts.map(({ letter }) => letter).join('')}`,
    text: `${[headSql, ...sqls].join(',\n')}\n${answerSql}`,
    values,
  };
}

const headSql = `WITH fence AS MATERIALIZED (
  SELECT ref FROM nodes
  WHERE ref = $1::smallint AND epoch = $2::bigint AND append_number = $3::bigint - 1 FOR UPDATE
), head AS (
  UPDATE log_head h SET seq = h.seq + $4::bigint, bytes = h.bytes + $6::bigint,
    max_time = CASE WHEN h.marked_seq = h.seq THEN $5::bigint ELSE greatest(h.max_time, $5::bigint) END,
    marked_seq = CASE WHEN h.seq + $4::bigint >= h.marked_seq + ${markEvents} THEN h.seq + $4::bigint
      ELSE h.marked_seq END
  FROM fence RETURNING h.seq - $4::bigint AS base, h.seq, h.max_time, h.marked_seq, h.node_count
), mark AS (
  INSERT INTO log_marks SELECT seq, max_time FROM head WHERE seq = marked_seq AND seq > base
), node AS (
  UPDATE nodes SET append_number = $3::bigint, first_seq = head.base + 1 FROM head
  WHERE ref = $1::smallint
)`;

const answerSql = `SELECT base + 1, CASE WHEN seq > base AND node_count > 1
  THEN pg_notify('${notifyChannel}', $1::text || ':' || seq) END FROM head`;

function partsOf(batch: AppendBatch): readonly Part[] {
  const parts: Part[] = [];
  const add = (letter: string, rows: readonly unknown[], value: unknown, sql: Part['sql']) => {
    if (rows.length > 0) parts.push({ letter, value, sql });
  };
  const { events, open, changed, closed, closedIds, listeners, specs, secrets } = batch;
  const { closedListenerIds } = batch;
  add('e', events, recordsLiteral(events), eventsSql);
  add('o', open, recordsLiteral(open), openSql);
  add('u', changed, recordsLiteral(changed), changedSql);
  add('g', closedIds, `{${closedIds.join(',')}}`, goneSql);
  add('c', closed, recordsLiteral(closed), closedSql(closedIds.length > 0));
  add('l', listeners, recordsLiteral(listeners), listenersSql);
  add('p', specs, recordsLiteral(specs), specsSql);
  add('n', batch.counts, recordsLiteral(batch.counts), countsSql);
  add('s', secrets, recordsLiteral(secrets), secretsSql);
  add('d', closedListenerIds, `{${closedListenerIds.join(',')}}`, closedListenersSql);
  return parts;
}

const eventsSql: Part['sql'] = (rows) => `event_rows AS (
  INSERT INTO events SELECT base + r.seq, r.time, r.listener_id, r.connection_id, r.type, r.data, r.generation
  FROM head, unnest(${rows}::events[]) r
)`;

const openSql: Part['sql'] = (rows) => `opened AS (
  INSERT INTO open_connections SELECT r.id, r.listener_id, base + r.opened_seq, r.accepted_at, r.first_byte_at,
    r.half_closed_at, r.bytes_in, r.bytes_out, r.pid, r.fd, r.lport, r.rport, r.declared_rport, r.protocol, r.node,
    r.laddr, r.raddr, r.declared_raddr, r.tls
  FROM head, unnest(${rows}::open_connections[]) r
)`;

const changedSql: Part['sql'] = (rows) => `changed AS (
  UPDATE open_connections o SET first_byte_at = coalesce(r.first_byte_at, o.first_byte_at),
    half_closed_at = coalesce(r.half_closed_at, o.half_closed_at), bytes_in = r.bytes_in, bytes_out = r.bytes_out
  FROM head, unnest(${rows}::open_connections[]) r WHERE o.id = r.id
)`;

const goneSql: Part['sql'] = (ids) => `gone AS (
  DELETE FROM open_connections o USING head, unnest(${ids}::uuid[]) r(id) WHERE o.id = r.id
  RETURNING o.id, o.opened_seq
)`;

/** A connection that is neither opened here nor open is a bug: it has no opened_seq, and the row is refused. */
const closedSql =
  (hasGone: boolean): Part['sql'] =>
  (rows) =>
    `closed AS (
  INSERT INTO closed_connections SELECT r.id, r.listener_id,
    ${hasGone ? 'coalesce(base + r.opened_seq, gone.opened_seq)' : 'base + r.opened_seq'}, base + r.closed_seq,
    r.accepted_at, r.first_byte_at, r.half_closed_at, r.closed_at, r.bytes_in, r.bytes_out, r.pid, r.fd, r.lport,
    r.rport, r.declared_rport, r.protocol, r.close_initiator, r.close_reason, r.net, r.node, r.laddr,
    r.raddr, r.declared_raddr, r.error, r.tls
  FROM head CROSS JOIN unnest(${rows}::closed_connections[]) r
  ${hasGone ? 'LEFT JOIN gone ON gone.id = r.id' : ''}
)`;

/** What never changes is not written again. */
const fixedColumns: readonly string[] = [
  'id',
  'node',
  'protocol',
  'host',
  'port',
  'mode',
  'created_at',
];
const listenerChanges = listenerColumns
  .filter((column) => !fixedColumns.includes(column))
  .map((column) => `${column} = excluded.${column}`)
  .join(', ');

const listenersSql: Part['sql'] = (rows) => `listener_rows AS (
  INSERT INTO listeners (${listenerColumns.join(', ')}) SELECT ${listenerColumns.map((column) => `r.${column}`).join(', ')}
  FROM head, unnest(${rows}::listeners[]) r
  ON CONFLICT (id) DO UPDATE SET ${listenerChanges}
)`;

const specsSql: Part['sql'] = (rows) => `specs AS (
  INSERT INTO listener_specs SELECT r.listener_id, r.generation, r.bytes, r.labels, r.limits, r.faults, r.tls,
    r.proxy_protocol
  FROM head, unnest(${rows}::listener_specs[]) r
  ON CONFLICT (listener_id, generation) DO NOTHING
)`;

const countsSql: Part['sql'] = (rows) => `counts AS (
  INSERT INTO listener_counts AS c SELECT r.listener_id, r.open_connections, r.total_connections
  FROM head, unnest(${rows}::listener_counts[]) r
  ON CONFLICT (listener_id) DO UPDATE SET open_connections = c.open_connections + excluded.open_connections,
    total_connections = c.total_connections + excluded.total_connections
)`;

const secretsSql: Part['sql'] = (rows) => `secrets AS (
  INSERT INTO listener_secrets SELECT r.listener_id, r.tls_key
  FROM head, unnest(${rows}::listener_secrets[]) r
  ON CONFLICT (listener_id) DO UPDATE SET tls_key = excluded.tls_key
)`;

const closedListenersSql: Part['sql'] = (ids) => `closed_secrets AS (
  DELETE FROM listener_secrets s USING head, unnest(${ids}::uuid[]) r(id) WHERE s.listener_id = r.id
)`;
