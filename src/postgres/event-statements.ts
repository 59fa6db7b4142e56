/**
 * Pages of the log. An event is told by the row of its connection, at opened_seq or closed_seq, or by a row of its
 * own; each source has an index by seq, and for the filters by id an index for these.
 *
 * Without ids a page looks at a bounded range of seqs; with ids it reads along their index, and what else
 * the filter asks for is for the caller to check.
 */
import { type EventType, eventTypes } from '../core/event.ts';
import type { EventFilter } from '../core/event-filter.ts';
import type { ProjectRef } from '../core/project.ts';
import { itemBytes } from '../core/sizes.ts';
import type { Statement } from './database.ts';
import { closedEventColumns, eventRowColumns, openedEventColumns } from './event-rows.ts';
import { specColumns, specRowLength } from './listener-rows.ts';
import { ofProjectBySeq } from './rows.ts';

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

interface Source {
  readonly types: readonly EventType[];
  readonly table: string;
  readonly columns: string;
  readonly seq: string;
  /** That it is the project's, as the index by seq has it. */
  readonly ofProject: (project: string) => string;
  readonly connectionId: string;
  readonly conditions: FilterConditions;
}

interface FilterConditions {
  readonly protocols: (parameter: string) => string;
  readonly remoteCidrs: (parameter: string) => string;
}

const ofConnection: FilterConditions = {
  protocols: (list) => `protocol = ANY (${list}::protocol[])`,
  remoteCidrs: (list) =>
    `(raddr <<= ANY (${list}::inet[]) OR declared_raddr <<= ANY (${list}::inet[]))`,
};

const ofData: FilterConditions = {
  protocols: (list) => `data ->> 'protocol' = ANY (${list}::text[])`,
  remoteCidrs: (list) => `((data #>> '{raddr,ip}')::inet <<= ANY (${list}::inet[])
    OR (data #>> '{declaredRaddr,ip}')::inet <<= ANY (${list}::inet[]))`,
};

const connectionOpened: EventType = 'connection_opened';
const connectionClosed: EventType = 'connection_closed';

const sources: readonly Source[] = [
  {
    types: [connectionOpened],
    table: 'open_connections',
    columns: openedEventColumns,
    seq: 'opened_seq',
    ofProject: (project) => ofProjectBySeq('opened_seq', project),
    connectionId: 'id',
    conditions: ofConnection,
  },
  {
    types: [connectionOpened],
    table: 'closed_connections',
    columns: openedEventColumns,
    seq: 'opened_seq',
    ofProject: (project) => ofProjectBySeq('opened_seq', project),
    connectionId: 'id',
    conditions: ofConnection,
  },
  {
    types: [connectionClosed],
    table: 'closed_connections',
    columns: closedEventColumns,
    seq: 'closed_seq',
    ofProject: (project) => ofProjectBySeq('closed_seq', project),
    connectionId: 'id',
    conditions: ofConnection,
  },
  {
    types: eventTypes.filter((type) => type !== connectionOpened && type !== connectionClosed),
    table: 'events',
    columns: eventRowColumns,
    seq: 'seq',
    ofProject: (project) => `project = ${project}`,
    connectionId: 'connection_id',
    conditions: ofData,
  },
];

type Order = 'ASC' | 'DESC';

/** What a statement's parts share: its parameters, and which of the four sources it reads. */
interface Query {
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
function makeParameters(project: ProjectRef) {
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
    filter.connectionIds.length > 0 ? 'c' : filter.listenerIds.length > 0 ? 'l' : '',
    filter.protocols.length > 0 ? 'p' : '',
    filter.remoteCidrs.length > 0 ? 'r' : '',
  ];
  return `${prefix} ${kinds.join('')}`;
}

function isById(filter: EventFilter): boolean {
  return filter.connectionIds.length + filter.listenerIds.length > 0;
}

function wantedSources({ types }: EventFilter): readonly Source[] {
  if (types.length === 0) return sources;
  return sources.filter((source) => source.types.some((type) => types.includes(type)));
}

function rangeOf(filter: EventFilter, limit: number): number | null {
  if (isById(filter)) return null;
  const isFiltered = filter.types.length + filter.protocols.length + filter.remoteCidrs.length > 0;
  // The log is dense: unfiltered, so many seqs are so many events.
  if (!isFiltered) return limit;
  return wantedSources(filter).every(({ table }) => table === 'events') ? sparseRange : denseRange;
}

function unionSql(query: Query): string {
  const { connectionIds, listenerIds } = query.filter;
  const rowConditions = rowConditionsOf(query);
  if (connectionIds.length === 0 && listenerIds.length > 0) {
    return listenersUnionSql(query, rowConditions);
  }
  const ids = connectionIds.length > 0 ? query.parameter(connectionIds) : null;
  const idCondition = (source: Source) =>
    ids === null ? [] : [`${source.connectionId} = ANY (${ids}::uuid[])`];
  return query.sources
    .map((source) => selectSql(query, source, [...idCondition(source), ...rowConditions(source)]))
    .join('\n    UNION ALL ');
}

/** Each listener's newest or oldest along its own index, then the best of them all. */
function listenersUnionSql(query: Query, rowConditions: RowConditions): string {
  const ids = query.parameter(query.filter.listenerIds);
  return query.sources
    .map((source) => {
      const select = selectSql(query, source, ['listener_id = l.id', ...rowConditions(source)]);
      return `SELECT x.* FROM unnest(${ids}::uuid[]) l(id) CROSS JOIN LATERAL (
        ${select} ORDER BY ${source.seq} ${query.order} LIMIT ${query.limit}::bigint) x`;
    })
    .join('\n    UNION ALL ');
}

function selectSql(query: Query, source: Source, conditions: readonly string[]): string {
  const { project, from, to, columns } = query;
  const bounds = [source.ofProject(project), `${source.seq} > ${from}`, `${source.seq} <= ${to}`];
  const where = [...bounds, ...conditions].join(' AND ');
  return `SELECT ${columns(source)} FROM ${source.table} WHERE ${where}`;
}

type RowConditions = (source: Source) => readonly string[];

/** All but the ids: what a row must be, wherever it was found. */
function rowConditionsOf({ filter, isLoose, parameter }: Query): RowConditions {
  const { types, protocols, remoteCidrs } = filter;
  const hasEvents = wantedSources(filter).some(({ table }) => table === 'events');
  const typeList = types.length > 0 && hasEvents ? parameter(types) : null;
  const protocolList = protocols.length > 0 && !isLoose ? parameter(protocols) : null;
  const cidrList = remoteCidrs.length > 0 && !isLoose ? parameter(remoteCidrs) : null;
  return ({ table, conditions }) => [
    // Of the connections' tables, each source is of one type.
    ...(typeList === null || table !== 'events' ? [] : [`type = ANY (${typeList}::event_type[])`]),
    ...(protocolList === null ? [] : [conditions.protocols(protocolList)]),
    ...(cidrList === null ? [] : [conditions.remoteCidrs(cidrList)]),
  ];
}

/** Seqs that one step backwards looks at. */
export const newestRange = 200_000;

/** One row: how many of the newest events below the seq match, up to the limit, and the lowest seq of them. */
export function newestStatement(
  ref: ProjectRef,
  beforeSeq: number,
  { limit, filter }: Pick<EventRead, 'limit' | 'filter'>,
): Statement {
  const { parameter, values, project } = makeParameters(ref);
  const before = parameter(beforeSeq);
  const oldest = 'h.oldest_seq - 1';
  const query: Query = {
    project,
    filter,
    sources: wantedSources(filter),
    columns: (source) => `${source.seq} AS seq`,
    order: 'DESC',
    isLoose: false,
    from: isById(filter)
      ? `(${oldest})`
      : `greatest(${oldest}, ${before}::bigint - 1 - ${newestRange})`,
    to: `(${before}::bigint - 1)`,
    limit: parameter(limit),
    parameter,
  };
  const text = `SELECT count(e.seq), min(e.seq), h.oldest_seq FROM log_heads h LEFT JOIN LATERAL (
    ${unionSql(query)} ORDER BY 1 DESC LIMIT ${query.limit}::bigint) e ON true
    WHERE h.project = ${project} GROUP BY h.oldest_seq`;
  return { text, values };
}
