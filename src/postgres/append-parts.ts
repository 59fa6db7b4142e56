/** What an append writes, a part of its statement for each table; the rows of a part are one parameter. */
import type { AppendBatch } from './append-batch.ts';
import type { AppendHeads } from './append-heads.ts';
import { listenerColumns } from './listener-rows.ts';
import { rowsLiteral } from './row-literal.ts';
import { changesSql, closedRowSql, openRowSql } from './rows.ts';

type PartSql = (parameter: string, heads: AppendHeads) => string;

interface Part {
  readonly letter: string;
  readonly value: unknown;
  readonly sql: PartSql;
}

export function appendParts(batch: AppendBatch): readonly Part[] {
  const parts: Part[] = [];
  const add = (letter: string, rows: readonly unknown[], sql: PartSql, value?: unknown) => {
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

const eventsSql: PartSql = (rows, { project, seqOf }) => `event_rows AS (
  INSERT INTO events SELECT ${seqOf('seq')}, r.time, r.listener_id, r.connection_id, ${project}, r.type, r.generation,
    r.data
  FROM head, unnest(${rows}::events[]) r
)`;

const openSql: PartSql = (rows, { project, seqOf }) => `opened AS (
  INSERT INTO open_connections SELECT ${openRowSql({ project, opened_seq: seqOf('opened_seq') })}
  FROM head, unnest(${rows}::open_connections[]) r
)`;

const changedSql: PartSql = (rows, { project }) => `changed AS (
  UPDATE open_connections o SET ${changesSql}
  FROM head, unnest(${rows}::open_connections[]) r WHERE o.project = ${project} AND o.id = r.id
)`;

const goneSql: PartSql = (rows, { project }) => `gone AS (
  DELETE FROM open_connections o USING head, unnest(${rows}::open_connections[]) r
  WHERE o.project = ${project} AND o.id = r.id RETURNING o.id, o.opened_seq
)`;

/** A connection that is neither opened here nor open is a bug: it has no opened_seq, and the row is refused. */
const closedSql =
  (hasGone: boolean): PartSql =>
  (rows, { project, seqOf }) => {
    const here = seqOf('opened_seq');
    const opened_seq = hasGone ? `coalesce(${here}, gone.opened_seq)` : here;
    const row = closedRowSql({ project, opened_seq, closed_seq: seqOf('closed_seq') });
    return `closed AS (
  INSERT INTO closed_connections SELECT ${row}
  FROM head CROSS JOIN unnest(${rows}::closed_connections[]) r
  ${hasGone ? 'LEFT JOIN gone ON gone.id = r.id' : ''}
)`;
  };

/** What never changes is not written again. */
const fixedColumns: readonly string[] = [
  ...['id', 'project', 'node', 'protocol', 'host', 'port', 'mode', 'created_at', 'placement'],
];
const listenerChanges = listenerColumns
  .filter((column) => !fixedColumns.includes(column))
  .map((column) => `${column} = r.${column}`)
  .join(', ');

export const changedListenersSql = `listener_changes AS (
  UPDATE listeners l SET ${listenerChanges} FROM head, unnest($9::listeners[]) r WHERE l.id = r.id RETURNING l.id
)`;

/** After the changes: one of these may have given up the name that a new one takes. */
const newListenersSql =
  (hasChanges: boolean): PartSql =>
  (rows, { project }) =>
    `listener_rows AS (
  INSERT INTO listeners (${listenerColumns.join(', ')})
  SELECT ${listenerColumns.map((name) => (name === 'project' ? project : `r.${name}`)).join(', ')}
  FROM head, unnest(${rows}::listeners[]) r
  ${hasChanges ? 'WHERE (SELECT count(*) FROM listener_changes) > 0' : ''}
)`;

const specsSql: PartSql = (rows) => `specs AS (
  INSERT INTO listener_specs SELECT r.listener_id, r.generation, r.bytes, r.labels, r.limits, r.faults, r.tls,
    r.proxy_protocol
  FROM head, unnest(${rows}::listener_specs[]) r
  ON CONFLICT (listener_id, generation) DO NOTHING
)`;

const countsSql: PartSql = (rows) => `counts AS (
  INSERT INTO listener_counts AS c SELECT r.listener_id, r.open_connections, r.total_connections
  FROM head, unnest(${rows}::listener_counts[]) r
  ON CONFLICT (listener_id) DO UPDATE SET open_connections = c.open_connections + excluded.open_connections,
    total_connections = c.total_connections + excluded.total_connections
)`;

const secretsSql: PartSql = (rows) => `secrets AS (
  INSERT INTO listener_secrets SELECT r.* FROM head, unnest(${rows}::listener_secrets[]) r
  ON CONFLICT (listener_id) DO UPDATE SET tls_key = excluded.tls_key, key_id = excluded.key_id,
    sealed_tls_key = excluded.sealed_tls_key
)`;

const closedListenersSql: PartSql = (ids) => `closed_secrets AS (
  DELETE FROM listener_secrets s USING head, unnest(${ids}::uuid[]) r(id) WHERE s.listener_id = r.id
)`;

const auditSql: PartSql = (rows, { project }) => `audit AS (
  INSERT INTO audit_entries SELECT r.id, r.time, r.count, ${project}, r.project_name, r.actor_kind, r.actor_id,
    r.actor_hint, r.operation, r.resource_kind, r.resource_id, r.resource_name, r.outcome, r.source_ip, r.user_agent,
    r.request_id, r.change
  FROM head, unnest(${rows}::audit_entries[]) r
)`;

const streamsSql: PartSql = (rows, { project }) => `streams AS (
  INSERT INTO node_streams SELECT r.through, r.node, ${project}, r.boot FROM head, unnest(${rows}::node_streams[]) r
  ON CONFLICT (node, project) DO UPDATE SET through = excluded.through, boot = excluded.boot
)`;
