/**
 * The append: one statement, one transaction, one round trip, with a part for each table that it writes to.
 *
 *   writer   this process still has its place, and the number was not done yet
 *   held     the listeners that are changed are at the revision before
 *   locked   the heads of the projects' logs; these take as many seqs as there are events. The lock of a head's row puts
 *            the appends of all writers to that log in one order
 *   beyond   the projects that would have more listeners than their quota, as the lock shows them
 *   …        the rows, whose seqs count from their head's base
 *
 * It does nothing at all unless all of these were found, and none beyond. Locks are taken in one order everywhere: writers, listeners,
 * heads, each in the order of their keys; so no two appends wait for each other.
 *
 * A reader that sees a head sees all up to it: the next append gets past `locked` only after this one is visible.
 */

import type { AppendBatch } from './append-batch.ts';
import type { Statement } from './database.ts';
import { listenerColumns } from './listener-rows.ts';
import { rowsLiteral } from './row-literal.ts';
import { changesSql, closedRowSql, openRowSql } from './rows.ts';

export interface Fence {
  /** The writer's number in the rows. */
  readonly writer: number;
  readonly epoch: number;
  readonly number: number;
}

/** How far apart the marks are, by which a time's place in the log is found. */
const markEvents = 4096;

interface Part {
  readonly letter: string;
  readonly value: unknown;
  readonly sql: (parameter: string) => string;
}

/** In the place of a row's project and seqs, what they are: its project's number, and what comes after its base. */
const project = '($4::integer[])[r.project]';
const seqOf = (column: string): string => `bases[r.project] + r.${column}`;

/**
 * Gives one AppendRow.
 *
 * The heads are locked in a step of their own and then updated, as is the writer: an update alone would lock several of
 * them in an order of its choosing.
 */
export function appendStatement(batch: AppendBatch, fence: Fence): Statement {
  const { logs, changedListeners, newListeners } = batch;
  const values: unknown[] = [
    ...[fence.writer, fence.epoch, fence.number, logs.map((log) => log.project)],
    ...[logs.map((log) => log.events), logs.map((log) => log.bytes)],
    ...[logs.map((log) => log.maxTime), logs.map((log) => log.listeners)],
  ];
  const hasChanges = changedListeners.length > 0;
  if (hasChanges) values.push(rowsLiteral(changedListeners));
  const parts = partsOf(batch);
  const sqls = parts.map(({ sql, value }) => {
    values.push(value);
    return sql(`$${values.length}`);
  });
  const hasNew = newListeners.length > 0;
  const fences = hasChanges ? [writerSql, heldSql] : [writerSql];
  const changes = hasChanges ? [changedListenersSql] : [];
  return {
    name: `append ${hasChanges ? 'l' : ''}${parts.map(({ letter }) => letter).join('')}`,
    text: `WITH ${[...fences, headSql(hasChanges, hasNew), ...changes, ...sqls].join(',\n')}\n${answerSql(hasChanges, hasNew)}`,
    values,
  };
}

/** `bases` is null where nothing was done; `held` is how many of the listeners were as they were to be. */
export type AppendRow = readonly [
  bases: readonly number[] | null,
  isWriter: boolean,
  held: number,
  hasOthers: boolean,
  /** The quota of listeners that a project would be beyond. */
  listenersMax: number | null,
];

const writerSql = `writer AS MATERIALIZED (
  SELECT ref FROM writers
  WHERE ref = $1::integer AND epoch = $2::bigint AND append_number = $3::bigint - 1 FOR UPDATE
)`;

const heldSql = `held AS MATERIALIZED (
  SELECT l.id FROM unnest($9::listeners[]) r JOIN listeners l
    ON l.id = r.id AND l.project = ${project} AND l.revision = r.revision - 1
  WHERE EXISTS (SELECT FROM writer) ORDER BY l.id FOR UPDATE OF l
)`;

/** What is only closed is taken whatever the quota is. */
const beyondSql = `beyond AS MATERIALIZED (
  SELECT l.listeners_max FROM locked l JOIN unnest($4::integer[], $8::integer[]) a(project, listeners)
    ON l.project = a.project AND a.listeners > 0 AND l.listeners + a.listeners > l.listeners_max
), `;

const headSql = (hasChanges: boolean, hasNew: boolean) => `locked AS MATERIALIZED (
  SELECT h.project, h.listeners, h.listeners_max FROM log_heads h WHERE h.project = ANY ($4::integer[]) AND EXISTS (SELECT FROM writer)
    ${hasChanges ? 'AND (SELECT count(*) FROM held) = cardinality($9::listeners[])' : ''}
  ORDER BY h.project FOR UPDATE
), ${hasNew ? beyondSql : ''}heads AS (
  UPDATE log_heads h SET seq = h.seq + a.events, bytes = h.bytes + a.bytes, listeners = h.listeners + a.listeners,
    max_time = CASE WHEN h.marked_seq = h.seq THEN a.max_time ELSE greatest(h.max_time, a.max_time) END,
    marked_seq = CASE WHEN h.seq + a.events >= h.marked_seq + ${markEvents} THEN h.seq + a.events
      ELSE h.marked_seq END
  FROM unnest($4::integer[], $5::integer[], $6::bigint[], $7::bigint[], $8::integer[])
    a(project, events, bytes, max_time, listeners)
  WHERE h.project = a.project AND (SELECT count(*) FROM locked) = cardinality($4::integer[])
    ${hasNew ? 'AND NOT EXISTS (SELECT FROM beyond)' : ''}
  RETURNING h.project, h.seq - a.events AS base, h.seq, h.max_time, h.marked_seq
), head AS MATERIALIZED (
  SELECT array_agg(base ORDER BY project) AS bases, array_agg(ARRAY[project, base] ORDER BY project) AS pairs
  FROM heads HAVING count(*) > 0
), mark AS (
  INSERT INTO log_marks (seq, max_time, project)
  SELECT seq, max_time, project FROM heads WHERE seq = marked_seq AND seq > base
), done AS (
  UPDATE writers SET append_number = $3::bigint, first_seqs = pairs FROM head
  WHERE ref = $1::integer
)`;

const answerSql = (
  hasChanges: boolean,
  hasNew: boolean,
) => `SELECT array_to_json(head.bases), EXISTS (SELECT FROM writer),
  ${hasChanges ? '(SELECT count(*) FROM held)' : '0'}, EXISTS (SELECT FROM writers w WHERE w.ref <> $1::integer),
  ${hasNew ? '(SELECT min(listeners_max) FROM beyond)' : 'NULL'}
FROM (SELECT) one LEFT JOIN head ON true`;

function partsOf(batch: AppendBatch): readonly Part[] {
  const parts: Part[] = [];
  const add = (letter: string, rows: readonly unknown[], sql: Part['sql'], value?: unknown) => {
    if (rows.length === 0) return;
    parts.push({ letter, value: value ?? rowsLiteral(rows as AppendBatch['events']), sql });
  };
  const { closed, gone, changedListeners, newListeners, closedListenerIds } = batch;
  add('e', batch.events, eventsSql);
  add('o', batch.open, openSql);
  add('u', batch.changed, changedSql);
  add('g', gone, goneSql);
  add('c', closed, closedSql(gone.length > 0));
  add('n', newListeners, newListenersSql(changedListeners.length > 0));
  add('p', batch.specs, specsSql);
  add('t', batch.counts, countsSql);
  add('s', batch.secrets, secretsSql);
  add('a', batch.audit, auditSql);
  add('r', batch.streams, streamsSql);
  add('d', closedListenerIds, closedListenersSql, `{${closedListenerIds.join(',')}}`);
  return parts;
}

const eventsSql: Part['sql'] = (rows) => `event_rows AS (
  INSERT INTO events SELECT ${seqOf('seq')}, r.time, r.listener_id, r.connection_id, ${project}, r.type, r.generation,
    r.data
  FROM head, unnest(${rows}::events[]) r
)`;

const openSql: Part['sql'] = (rows) => `opened AS (
  INSERT INTO open_connections SELECT ${openRowSql({ project, opened_seq: seqOf('opened_seq') })}
  FROM head, unnest(${rows}::open_connections[]) r
)`;

const changedSql: Part['sql'] = (rows) => `changed AS (
  UPDATE open_connections o SET ${changesSql}
  FROM head, unnest(${rows}::open_connections[]) r WHERE o.project = ${project} AND o.id = r.id
)`;

const goneSql: Part['sql'] = (rows) => `gone AS (
  DELETE FROM open_connections o USING head, unnest(${rows}::open_connections[]) r
  WHERE o.project = ${project} AND o.id = r.id RETURNING o.id, o.opened_seq
)`;

/** A connection that is neither opened here nor open is a bug: it has no opened_seq, and the row is refused. */
function closedSql(hasGone: boolean): Part['sql'] {
  const here = seqOf('opened_seq');
  const openedSeq = hasGone ? `coalesce(${here}, gone.opened_seq)` : here;
  const row = closedRowSql({ project, opened_seq: openedSeq, closed_seq: seqOf('closed_seq') });
  return (rows) => `closed AS (
  INSERT INTO closed_connections SELECT ${row}
  FROM head CROSS JOIN unnest(${rows}::closed_connections[]) r
  ${hasGone ? 'LEFT JOIN gone ON gone.id = r.id' : ''}
)`;
}

/** What never changes is not written again. */
const fixedColumns: readonly string[] = [
  ...['id', 'project', 'node', 'protocol', 'host', 'port', 'mode', 'created_at', 'placement'],
];
const listenerChanges = listenerColumns
  .filter((column) => !fixedColumns.includes(column))
  .map((column) => `${column} = r.${column}`)
  .join(', ');

const changedListenersSql = `listener_changes AS (
  UPDATE listeners l SET ${listenerChanges} FROM head, unnest($9::listeners[]) r WHERE l.id = r.id RETURNING l.id
)`;

/** After the changes: one of these may have given up the name that a new one takes. */
const newListenersSql =
  (hasChanges: boolean): Part['sql'] =>
  (rows) =>
    `listener_rows AS (
  INSERT INTO listeners (${listenerColumns.join(', ')})
  SELECT ${listenerColumns.map((name) => (name === 'project' ? project : `r.${name}`)).join(', ')}
  FROM head, unnest(${rows}::listeners[]) r
  ${hasChanges ? 'WHERE (SELECT count(*) FROM listener_changes) > 0' : ''}
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
  INSERT INTO listener_secrets SELECT r.* FROM head, unnest(${rows}::listener_secrets[]) r
  ON CONFLICT (listener_id) DO UPDATE SET tls_key = excluded.tls_key, key_id = excluded.key_id,
    sealed_tls_key = excluded.sealed_tls_key
)`;

const closedListenersSql: Part['sql'] = (ids) => `closed_secrets AS (
  DELETE FROM listener_secrets s USING head, unnest(${ids}::uuid[]) r(id) WHERE s.listener_id = r.id
)`;

const auditSql: Part['sql'] = (rows) => `audit AS (
  INSERT INTO audit_entries SELECT r.id, r.time, r.count, ${project}, r.project_name, r.actor_kind, r.actor_id,
    r.actor_hint, r.operation, r.resource_kind, r.resource_id, r.resource_name, r.outcome, r.source_ip, r.user_agent,
    r.request_id, r.change
  FROM head, unnest(${rows}::audit_entries[]) r
)`;

const streamsSql: Part['sql'] = (rows) => `streams AS (
  INSERT INTO node_streams SELECT r.through, r.node, ${project}, r.boot FROM head, unnest(${rows}::node_streams[]) r
  ON CONFLICT (node, project) DO UPDATE SET through = excluded.through, boot = excluded.boot
)`;
