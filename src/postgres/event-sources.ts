/** Where the events of the log are told: a table for each, its seqs, and what its indexes fit. */
import { type EventType, eventTypes } from '../core/event.ts';
import type { EventFilter } from '../core/event-filter.ts';
import { closedEventColumns, eventRowColumns, openedEventColumns } from './event-rows.ts';
import { ofProjectBySeq } from './rows.ts';

export interface Source {
  readonly types: readonly EventType[];
  readonly table: string;
  readonly columns: string;
  readonly seq: string;
  readonly looks: Looks;
  /** Whether its events are of several types: else no look need tell one. */
  readonly isMixed: boolean;
  readonly conditions: FilterConditions;
}

/**
 * Which rows a look wants: of the project alone, or of a type `t.type`, a listener `l.id` or a connection `c.id`. Each
 * fits one index only, whatever the planner knows of the table: where the project is not in it, it stands as no index
 * has it.
 */
type Looks = Readonly<Record<Look, (project: string) => string>>;

export type Look = 'all' | 'type' | 'listener' | 'listenerAndType' | 'connection';

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

function connectionLooks(seq: 'opened_seq' | 'closed_seq'): Looks {
  const all = (project: string) => ofProjectBySeq(seq, project);
  const listener = (project: string) => `(project = ${project}) IS TRUE AND listener_id = l.id`;
  return {
    ...{ all, type: all, listener, listenerAndType: listener },
    connection: (project) => `project = ${project} AND id = c.id`,
  };
}

const eventLooks: Looks = {
  all: (project) => `project = ${project}`,
  type: (project) => `project::bigint = ${project} AND seq > 0 AND type = t.type`,
  listener: (project) => `(project = ${project}) IS TRUE AND seq > 0 AND listener_id = l.id`,
  listenerAndType: (project) =>
    `(project = ${project}) IS TRUE AND listener_id = l.id AND type = t.type`,
  connection: (project) => `(project = ${project}) IS TRUE AND connection_id = c.id`,
};

const connectionOpened: EventType = 'connection_opened';
const connectionClosed: EventType = 'connection_closed';

/** Their places are in the names of statements. */
export const sources: readonly Source[] = [
  {
    types: [connectionOpened],
    table: 'open_connections',
    columns: openedEventColumns,
    seq: 'opened_seq',
    looks: connectionLooks('opened_seq'),
    isMixed: false,
    conditions: ofConnection,
  },
  {
    types: [connectionOpened],
    table: 'closed_connections',
    columns: openedEventColumns,
    seq: 'opened_seq',
    looks: connectionLooks('opened_seq'),
    isMixed: false,
    conditions: ofConnection,
  },
  {
    types: [connectionClosed],
    table: 'closed_connections',
    columns: closedEventColumns,
    seq: 'closed_seq',
    looks: connectionLooks('closed_seq'),
    isMixed: false,
    conditions: ofConnection,
  },
  {
    types: eventTypes.filter((type) => type !== connectionOpened && type !== connectionClosed),
    table: 'events',
    columns: eventRowColumns,
    seq: 'seq',
    looks: eventLooks,
    isMixed: true,
    conditions: ofData,
  },
];

export function wantedSources({ types }: EventFilter): readonly Source[] {
  if (types.length === 0) return sources;
  return sources.filter((source) => source.types.some((type) => types.includes(type)));
}
