/**
 * Turns what workers report into events. It holds the connections of this node that are open, as last
 * reported, so that each event has its connection whole, and a lost worker's connections can be closed.
 *
 * Every connection gets one opened and one closed event: a record of a connection that its worker has not open is a bug.
 */
import { AwaitedCloses, type CloseMode } from './awaited-closes.ts';
import type { Caller } from './caller.ts';
import {
  type ClosedConnection,
  type CloseReason,
  type Connection,
  openConnection,
} from './connection.ts';
import type { EventDraft } from './event.ts';
import { ListenerCounts } from './listener-counts.ts';
import type { Appends } from './log-writer.ts';
import type { Clock, Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Counters, StepRecord, WorkerRecord } from './record.ts';
import type { ResourceAudit } from './resource-audit.ts';
import { type ToldPiece, ToldRecords } from './told-records.ts';

/** Connections that are closed in one append. */
const closePieceMax = 1000;

type ConnectionEnd = Pick<
  ClosedConnection,
  'closedAt' | 'closeInitiator' | 'closeReason' | 'error'
>;

interface Open {
  readonly project: ProjectRef;
  connection: Connection;
}

/** What a worker has open, by id. */
type OpenOfWorker = Map<string, Open>;

/** How far the numbered records of a node's boot are on record, in each project's log. */
export type Through = ReadonlyMap<ProjectRef, number>;

export interface RecorderOptions {
  readonly nodeId: string;
  readonly log: Appends;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: ResourceAudit;
  /** Told of records of what is not here, which are left out: of workers of this process that is a bug. */
  readonly onStray?: Logger['error'];
}

export class Recorder {
  readonly #nodeId: string;
  readonly #log: Appends;
  readonly #clock: Clock;
  readonly #onStray: Logger['error'];
  readonly counts = new ListenerCounts();
  /** By the id of their worker, and their own. */
  readonly #open = new Map<string, OpenOfWorker>();
  readonly #closes: AwaitedCloses;
  /** What is on record before its first record came here. */
  through: Through = new Map();
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: RecorderOptions) {
    this.#nodeId = options.nodeId;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#onStray = options.onStray ?? options.logger.error.bind(options.logger);
    this.#closes = new AwaitedCloses(options.audit);
  }

  get openConnections(): number {
    let sum = 0;
    for (const { size } of this.#open.values()) sum += size;
    return sum;
  }

  /** The worker that has the connection open, as last reported; null when none has. */
  workerOf(connectionId: string): string | null {
    for (const [workerId, open] of this.#open) if (open.has(connectionId)) return workerId;
    return null;
  }

  /** Of all connections since the start, as last reported. */
  get bytes(): { readonly in: number; readonly out: number } {
    return { in: this.#bytesIn, out: this.#bytesOut };
  }

  /** What the worker goes on with after a session that was lost: its open connections. */
  resume(workerId: string, project: ProjectRef, connections: readonly Connection[]): void {
    const open = this.#openOf(workerId);
    for (const connection of connections) open.set(connection.id, { project, connection });
  }

  /**
   * What this worker reports. Resolves when all of it is committed. Where its records are numbered, `first` is the
   * number of the first: what is on record already is left out.
   */
  async record(
    workerId: string,
    records: readonly WorkerRecord[],
    isAwaited = false,
    first?: number,
  ): Promise<void> {
    const open = this.#openOf(workerId);
    const told = new ToldRecords();
    for (const [index, record] of records.entries()) {
      const project = this.#projectOf(open, record);
      if (project === null) continue;
      const number = first === undefined ? undefined : first + index;
      if (number !== undefined && number <= (this.through.get(project) ?? 0)) continue;
      if (record.kind === 'counters') {
        if (this.#take(open, record.connection) !== null) told.counters(project, record.connection);
      } else {
        const event = this.#event(open, record, project);
        if (event === null) continue;
        const numbered = number === undefined ? event : { ...event, record: number };
        told.event(project, numbered, this.#closes.auditOf(project, event));
      }
    }
    const appends = told.take().map((piece) => this.#append({ ...piece, isAwaited }));
    await Promise.all(appends);
  }

  /** Whose log it belongs to: that of its listener, or of the connection that it goes on with. */
  #projectOf(open: OpenOfWorker, record: WorkerRecord): ProjectRef | null {
    const isFirst = record.kind === 'opened' || record.kind === 'refused';
    if (!isFirst) {
      const known = open.get(record.connection.id);
      if (known !== undefined) return known.project;
      this.#onStray({ connectionId: record.connection.id }, 'a record of what is not open');
      return null;
    }
    const listenerId = record.kind === 'opened' ? record.connection.listenerId : record.listenerId;
    const project = this.counts.projectOf(listenerId);
    if (project === null) this.#onStray({ listenerId }, 'a record of a listener that is not here');
    return project;
  }

  #openOf(workerId: string): OpenOfWorker {
    const open = this.#open.get(workerId) ?? new Map<string, Open>();
    this.#open.set(workerId, open);
    return open;
  }

  async #append(piece: ToldPiece & { readonly isAwaited: boolean }): Promise<void> {
    const { project, events, ...extra } = piece;
    try {
      await this.#log.of(project).append(events, { ...extra, isDivisible: true });
    } finally {
      for (const event of events) {
        if (event.type === 'connection_closed') this.#closes.committed(event.connection.id);
      }
    }
  }

  #event(open: OpenOfWorker, record: StepRecord, project: ProjectRef): EventDraft | null {
    switch (record.kind) {
      case 'opened': {
        const connection = openConnection(record.connection, this.#nodeId);
        open.set(connection.id, { project, connection });
        this.counts.change(connection.listenerId, 1);
        const { listenerId, acceptedAt: time } = connection;
        return { type: 'connection_opened', time, listenerId, connection };
      }
      case 'half_closed': {
        const connection = this.#take(open, { ...record.connection, state: 'half_closed' });
        if (connection === null) return null;
        const { listenerId } = connection;
        const { halfClosedAt: time } = record.connection;
        return { type: 'connection_half_closed', time, listenerId, connection };
      }
      case 'closed': {
        const connection = this.#take(open, record.connection);
        if (connection === null) return null;
        open.delete(connection.id);
        return this.#close(connection, record.connection);
      }
      case 'refused': {
        const { at: time, listenerId, refusal } = record;
        return { type: 'connection_refused', time, listenerId, refusal };
      }
    }
  }

  /** The open connection with what is newly known of it. */
  #take(open: OpenOfWorker, news: Counters & Partial<Connection>): Connection | null {
    const known = open.get(news.id);
    if (known === undefined) return null;
    const before = known.connection;
    this.#bytesIn += news.bytesIn - before.bytesIn;
    this.#bytesOut += news.bytesOut - before.bytesOut;
    known.connection = { ...before, ...news };
    return known.connection;
  }

  #close(open: Connection, end: ConnectionEnd): EventDraft {
    this.#closes.begun(open.id);
    this.counts.change(open.listenerId, -1);
    const connection: Connection = { ...open, ...end, state: 'closed' };
    const { listenerId } = open;
    return { type: 'connection_closed', time: end.closedAt, listenerId, connection };
  }

  /** Closes what the lost worker had open. */
  async workerLost(workerId: string): Promise<void> {
    const lost = Map.groupBy(this.#open.get(workerId)?.values() ?? [], (one) => one.project);
    this.#open.delete(workerId);
    await Promise.all(
      [...lost].map(([project, all]) => {
        const connections = all.map(({ connection }) => connection);
        return this.#closeAll(project, connections, 'worker_crashed');
      }),
    );
  }

  /** Closes what an earlier run of this node left open in the store. */
  async closeInterrupted(project: ProjectRef, connections: readonly Connection[]): Promise<void> {
    await this.#closeAll(project, connections, 'interrupted');
  }

  async #closeAll(
    project: ProjectRef,
    connections: readonly Connection[],
    reason: CloseReason,
  ): Promise<void> {
    const closedAt = this.#clock.now();
    const end = { closedAt, closeInitiator: 'system', closeReason: reason, error: null } as const;
    const events = connections.map((connection) => this.#close(connection, end));
    // In pieces: one commit of all that a worker had open would take too long to be done in time.
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < events.length; at += closePieceMax) {
      const piece = { events: events.slice(at, at + closePieceMax), counters: [], audit: [] };
      pieces.push(this.#append({ project, ...piece, isAwaited: true }));
    }
    await Promise.all(pieces);
  }

  /** Of one that is open: whose its end is, where it comes to that. */
  askClose(by: Caller, connectionId: string, mode: CloseMode): void {
    this.#closes.ask(by, connectionId, mode);
  }

  /** Resolves when the connection's closed event is committed, or the signal aborts. */
  async closed(id: string, signal: AbortSignal): Promise<void> {
    const isComing = this.workerOf(id) !== null || this.#closes.isUnderWay(id);
    if (isComing) await this.#closes.wait(id, signal);
  }
}
