/**
 * Pages of the log. An event is told by the row of its connection, at opened_seq or closed_seq, or by a row of its
 * own; each source has an index by seq, and others for ids and for types.
 *
 * By ids or types a page is read along their indexes. What else is asked for beside ids is for the caller to check;
 * without ids it is checked here, and a page looks at a bounded range of seqs.
 */
import type { EventFilter } from '../core/event-filter.ts';
import type { ProjectRef } from '../core/project.ts';
import { itemBytes } from '../core/sizes.ts';
import type { Statement } from './database.ts';
import { type Look, type Source, sources, wantedSources } from './event-sources.ts';
import { specColumns, specRowLength } from './listener-rows.ts';

/** Seqs that one page looks at: every one of them is an event to look at, or only few are. */
const denseRange = 20_000;
const sparseRange = 200_000;

export interface EventRead {
  readonly afterSeq: number;
  readonly limit: number;
  /** The page ends with the event with which it holds so many. */
  readonly bytesMax: number;
  readonly filter: EventFilter;
}

/** Newest first. */
export interface EventReadBack extends Omit<EventRead, 'afterSeq'> {
  readonly beforeSeq: number;
}

export interface EventStatement extends Statement {
  /** How many seqs a page looks at; null: all to the end. */
  readonly range: number | null;
  /** Whether rows may come that the filter leaves out. */
  readonly isLoose: boolean;
}

type Order = 'ASC' | 'DESC';

/** What a statement's parts share: its parameters, and which of the four sources it reads. */
export interface Query {
  readonly project: string;
  readonly filter: EventFilter;
  readonly sources: readonly Source[];
  readonly columns: (source: Source) => string;
  readonly order: Order;
  /** Whether the caller checks what the ids leave open. */
  readonly isLoose: boolean;
  /** SQL for the seqs that it looks at: after the first, up to the second. */
  readonly from: string;
  readonly to: string;
  readonly limit: string;
  readonly parameter: (value: unknown) => string;
}

/** About the bytes of an event's row: of one from before specs had rows of their own, all that it holds. */
const rowBytes = `greatest(${itemBytes}, coalesce(${itemBytes} + s.bytes, octet_length(e.data::text)))`;

/** Where a row has what: head, oldest, how many events there were for the page, a SpecRow, then the event. */
export const countColumn = 2;
export const specColumn = 3;
export const eventColumn = specColumn + specRowLength;

/** Nulls stand in the place of an event where none matches. */
export function eventsStatement(ref: ProjectRef, read: EventRead): EventStatement {
  const { afterSeq, limit, bytesMax, filter } = read;
  const { parameter, values, project } = makeParameters(ref);
  const range = rangeOf(filter, limit);
  const from = `greatest(${parameter(afterSeq)}::bigint, h.oldest_seq - 1)`;
  const to = range === null ? 'h.seq' : `least(h.seq, ${from} + ${parameter(range)}::bigint)`;
  const bounds = { project, filter, from, to };
  const query = pageQuery({ ...bounds, order: 'ASC', limit: parameter(limit), parameter });
  const text = pageSql(query, parameter(bytesMax));
  const name = statementName('events', filter);
  return { name, text, values, range, isLoose: query.isLoose };
}

export function eventsBackStatement(ref: ProjectRef, read: EventReadBack): EventStatement {
  const { beforeSeq, limit, bytesMax, filter } = read;
  const { parameter, values, project } = makeParameters(ref);
  const range = rangeOf(filter, limit);
  const to = `least(h.seq, ${parameter(beforeSeq)}::bigint - 1)`;
  const end = 'h.oldest_seq - 1';
  const from = range === null ? end : `greatest(${end}, ${to} - ${parameter(range)}::bigint)`;
  const bounds = { project, filter, from, to };
  const query = pageQuery({ ...bounds, order: 'DESC', limit: parameter(limit), parameter });
  const text = pageSql(query, parameter(bytesMax));
  const name = statementName('events back', filter);
  return { name, text, values, range, isLoose: query.isLoose };
}

/** The first is the project. */
export function makeParameters(project: ProjectRef) {
  const values: unknown[] = [project];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  return { values, parameter, project: '$1::integer' };
}

function pageQuery(query: Omit<Query, 'sources' | 'columns' | 'isLoose'>): Query {
  const { filter } = query;
  const columns = (source: Source) => source.columns;
  return { ...query, sources: wantedSources(filter), columns, isLoose: isById(filter) };
}

/** The page is cut by the bytes of its rows before what is large of them is read. */
function pageSql(query: Query, bytesMax: string): string {
  const { order } = query;
  return `SELECT h.seq, h.oldest_seq, p.* FROM log_heads h LEFT JOIN LATERAL (
    SELECT count(*) OVER () AS count, ${specColumns('s')}, e.*,
      sum(${rowBytes}) OVER (ORDER BY e.seq ${order}) - ${rowBytes} AS bytes_before
    FROM (${unionSql(query)} ORDER BY 1 ${order} LIMIT ${query.limit}::bigint) e
    LEFT JOIN listener_specs s ON s.listener_id = e.listener_id AND s.generation = e.generation
  ) p ON p.bytes_before < ${bytesMax}::bigint WHERE h.project = ${query.project} ORDER BY p.seq ${order}`;
}

/** The same text for the same kinds of filter: planned once a connection. */
function statementName(prefix: string, filter: EventFilter): string {
  const kinds = [
    wantedSources(filter)
      .map((source) => sources.indexOf(source))
      .join(''),
    filter.types.length > 0 ? 't' : '',
    filter.connectionIds.length > 0 ? 'c' : '',
    filter.listenerIds.length > 0 ? 'l' : '',
    filter.protocols.length > 0 ? 'p' : '',
    filter.remoteCidrs.length > 0 ? 'r' : '',
  ];
  return `${prefix} ${kinds.join('')}`;
}

function isById(filter: EventFilter): boolean {
  return filter.connectionIds.length + filter.listenerIds.length > 0;
}

/** Whether nothing need be read that does not match, ids aside: then a page may look at all seqs to the end. */
function isIndexed(filter: EventFilter): boolean {
  return isById(filter) || (filter.types.length > 0 && !isByContent(filter));
}

export function isByContent({ protocols, remoteCidrs }: EventFilter): boolean {
  return protocols.length + remoteCidrs.length > 0;
}

function rangeOf(filter: EventFilter, limit: number): number | null {
  if (isIndexed(filter)) return null;
  // The log is dense: unfiltered, so many seqs are so many events.
  if (!isByContent(filter)) return limit;
  return wantedSources(filter).every(({ table }) => table === 'events') ? sparseRange : denseRange;
}

/** The first of each listener and type, or of each connection, along its own index; then the first of them all. */
export function unionSql(query: Query): string {
  const { project, order, limit, from, to } = query;
  const wanted = wantedOf(query);
  const { connections, listeners, types, protocols, remoteCidrs } = wanted;
  return query.sources
    .map((source) => {
      const { table, seq, looks, conditions } = source;
      const isByType = types !== null && source.isMixed;
      const hasIds = connections !== null;
      const where = [
        looks[lookOf(wanted, isByType)](project),
        ...[`${seq} > ${from}`, `${seq} <= ${to}`],
        // No index is sought by what is asked in this way.
        ...(hasIds && listeners !== null
          ? [`(listener_id = ANY (${listeners}::uuid[])) IS TRUE`]
          : []),
        ...(hasIds && isByType ? [`(type = ANY (${types}::event_type[])) IS TRUE`] : []),
        ...(protocols === null ? [] : [conditions.protocols(protocols)]),
        ...(remoteCidrs === null ? [] : [conditions.remoteCidrs(remoteCidrs)]),
      ];
      const lists = [
        ...(hasIds ? [`unnest(${connections}::uuid[]) c(id)`] : []),
        ...(!hasIds && listeners !== null ? [`unnest(${listeners}::uuid[]) l(id)`] : []),
        ...(!hasIds && isByType ? [`unnest(${types}::event_type[]) t(type)`] : []),
        `LATERAL (SELECT ${query.columns(source)} FROM ${table} WHERE ${where.join(' AND ')}
          ORDER BY ${seq} ${order} LIMIT ${limit}::bigint) x`,
      ];
      return `SELECT x.* FROM ${lists.join(' CROSS JOIN ')}`;
    })
    .join('\n    UNION ALL ');
}

/** The parameters of what is wanted; null: all, or for the caller to check. */
type Wanted = Readonly<
  Record<'connections' | 'listeners' | 'types' | 'protocols' | 'remoteCidrs', string | null>
>;

function wantedOf({ filter, sources: read, isLoose, parameter }: Query): Wanted {
  const list = (values: readonly string[]) =>
    values.length === 0 ? null : parameter([...new Set(values)]);
  return {
    connections: list(filter.connectionIds),
    listeners: list(filter.listenerIds),
    types: read.some(({ isMixed }) => isMixed) ? list(filter.types) : null,
    protocols: isLoose ? null : list(filter.protocols),
    remoteCidrs: isLoose ? null : list(filter.remoteCidrs),
  };
}

function lookOf({ connections, listeners }: Wanted, isByType: boolean): Look {
  if (connections !== null) return 'connection';
  if (listeners !== null) return isByType ? 'listenerAndType' : 'listener';
  return isByType ? 'type' : 'all';
}
