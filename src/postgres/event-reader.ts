/** Reads of the log: pages, its bounds, and the places of times and counts in it. */
import { AppError } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import { type EventFilter, eventMatcher, isEveryEvent } from '../core/event-filter.ts';
import type { LogBounds } from '../core/log-keeping.ts';
import type { ProjectRef } from '../core/project.ts';
import type { EventPage, Log } from '../core/store.ts';
import type { Micros } from '../core/time.ts';
import type { Rows } from './database.ts';
import { nodeOfEvent, parseEvent } from './event-rows.ts';
import {
  countColumn,
  type EventRead,
  type EventReadBack,
  type EventStatement,
  eventColumn,
  eventsBackStatement,
  eventsStatement,
  specColumn,
} from './event-statements.ts';
import { parseSpec } from './listener-rows.ts';
import { seqBeforeNewest } from './newest-seq.ts';
import type { NodeDirectory } from './node-directory.ts';
import type { ProjectReader } from './project-reads.ts';
import { seqBeforeSql } from './seq-before.ts';

export interface EventReaderLimits {
  /** Events that are looked through for the newest that match, where no index tells which do. */
  readonly newestSeqsMax: number;
}

/** Of one project. */
export class EventReader implements Log {
  readonly #reads: ProjectReader;
  readonly #nodes: NodeDirectory;
  readonly #project: ProjectRef;
  readonly #limits: EventReaderLimits;

  constructor(
    reads: ProjectReader,
    nodes: NodeDirectory,
    project: ProjectRef,
    limits: EventReaderLimits,
  ) {
    this.#limits = limits;
    this.#reads = reads;
    this.#nodes = nodes;
    this.#project = project;
  }

  async read(read: EventRead): Promise<EventPage> {
    const { events, bounds, range, last } = await this.#readPage(
      read,
      eventsStatement(this.#project, read),
    );
    const from = Math.max(read.afterSeq, bounds.oldestSeq - 1);
    const end = range === null ? bounds.headSeq : Math.min(bounds.headSeq, from + range);
    return { ...bounds, events, throughSeq: Math.max(read.afterSeq, last?.seq ?? end) };
  }

  async readBack(read: EventReadBack): Promise<EventPage> {
    const statement = eventsBackStatement(this.#project, read);
    const { events, bounds, range, last } = await this.#readPage(read, statement);
    const to = Math.min(read.beforeSeq - 1, bounds.headSeq);
    const end = range === null ? 0 : to - range + 1;
    return { ...bounds, events, throughSeq: last?.seq ?? Math.max(bounds.oldestSeq, end) };
  }

  /** `last` is the last event that was looked at, where there may be more in the range behind it. */
  async #readPage(
    { limit, filter }: Pick<EventRead, 'limit' | 'filter'>,
    statement: EventStatement,
  ) {
    const rows = await this.#reads.upTo(limit).query(statement);
    const bounds = parseBounds(rows);
    const hasEvents = rows.some((row) => row[eventColumn] !== null);
    const nodeIds = await this.#nodes.with(rows.map((row) => nodeOfEvent(row, eventColumn)));
    const found = await this.#reads.parsed(hasEvents ? rows : [], (row) =>
      parseEvent(row, nodeIds, {
        ...{ offset: eventColumn, spec: parseSpec(row, specColumn), project: this.#project },
      }),
    );
    // A full page ends with its last event; what the filter leaves out was looked at all the same.
    const count = Number(rows[0]?.[countColumn] ?? 0);
    const isFull = count === limit || found.length < count;
    const last = isFull ? found.at(-1) : undefined;
    const events: readonly Event[] = statement.isLoose ? found.filter(eventMatcher(filter)) : found;
    return { events, bounds, range: statement.range, last };
  }

  async readBounds(): Promise<LogBounds> {
    const text = 'SELECT seq, oldest_seq FROM log_heads WHERE project = $1::integer';
    const values = [this.#project];
    return parseBounds(await this.#reads.query({ name: 'bounds', text, values }));
  }

  async readId(): Promise<string> {
    const text = 'SELECT log_id FROM log_heads WHERE project = $1::integer';
    const [row] = await this.#reads.query({ text, values: [this.#project] });
    if (row === undefined) throw noLog();
    return row[0] as string;
  }

  async seqBefore(time: Micros): Promise<number> {
    const values = [this.#project, time];
    const [row] = await this.#reads.query({ name: 'seq before', text: seqBeforeSql, values });
    const [seq] = row as readonly [number];
    return seq;
  }

  async seqBeforeNewest(count: number, filter: EventFilter, signal: AbortSignal): Promise<number> {
    const { headSeq, oldestSeq } = await this.readBounds();
    if (count === 0) return headSeq;
    if (isEveryEvent(filter)) return Math.max(oldestSeq - 1, headSeq - count);
    const wanted = { count, filter, headSeq, signal, seqsMax: this.#limits.newestSeqsMax };
    return await seqBeforeNewest(this.#reads, this.#project, wanted);
  }
}

/** @throws not_found where the project has no log */
function parseBounds([row]: Rows): LogBounds {
  if (row === undefined) throw noLog();
  const [headSeq, oldestSeq] = row as readonly [number, number];
  return { headSeq, oldestSeq };
}

export function noLog(): AppError {
  return new AppError('not_found', 'the project has no log');
}
