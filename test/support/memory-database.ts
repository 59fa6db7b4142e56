/** What a PostgreSQL would hold, in memory: the same logs for all the stores over it. See memory-store.ts. */
import { networkSet } from '../../src/core/address.ts';
import type { Connection } from '../../src/core/connection.ts';
import type { ConnectionQuery, ListenerQuery } from '../../src/core/directories.ts';
import { AppError, PlaceLost } from '../../src/core/errors.ts';
import type { Event, EventDraft } from '../../src/core/event.ts';
import type { IdempotentAnswer } from '../../src/core/idempotency-keys.ts';
import type { Listener, ListenerSecrets } from '../../src/core/listener.ts';
import type { LogAge, LogAgeing, LogBounds, PurgeRequest } from '../../src/core/log-keeping.ts';
import { defaultProject, type ProjectRef, projectRef } from '../../src/core/project.ts';
import {
  noQuotas,
  noTerms,
  type ProjectTerms,
  type Quotas,
  quotaReached,
} from '../../src/core/quotas.ts';
import type { Micros } from '../../src/core/time.ts';
import type { Append, AppendEntry, FirstSeqs } from '../../src/core/writer.ts';
import { MemoryAudit } from './memory-audit.ts';
import { MemoryLog } from './memory-log.ts';

export interface ListenerRow {
  readonly listener: Listener;
  readonly secrets: ListenerSecrets;
}

/** A node's place in the log: only the newest process that took it may append. */
interface NodePlace {
  readonly place: number;
  readonly number: number;
  /** Of the append of that number; null where it was settled and not done. */
  readonly firstSeqs: FirstSeqs | null;
}

type ForeignAppend = (project: ProjectRef, headSeq: number) => void;

export interface KeptAnswer extends IdempotentAnswer {
  readonly takenAt: Micros;
  readonly seed: string;
  readonly nodeId: string;
  readonly place: number | null;
}

export class MemoryDatabase {
  readonly #logs = new Map([[defaultProject, new MemoryLog()]]);
  readonly listeners = new Map<string, ListenerRow>();
  readonly connections = new Map<string, Connection>();
  /** The projects of connections, by their ids. */
  readonly #owners = new Map<string, ProjectRef>();
  /** By project and key. */
  readonly answers = new Map<string, KeptAnswer>();
  readonly audit = new MemoryAudit();
  /** While it is true, other nodes hear of appends only by `notify`. */
  isHoldingNotices = false;
  /** The logs' own time; null until it is first asked for. */
  #time: Micros | null = null;
  readonly #nodes = new Map<string, NodePlace>();
  readonly #watchers = new Set<{ nodeId: string; callback: ForeignAppend }>();
  readonly #notices = new Set<() => void>();

  /** @throws not_found where the project has none */
  log(project: ProjectRef): MemoryLog {
    const log = this.#logs.get(project);
    if (log === undefined) throw new AppError('not_found', 'the project has no log');
    return log;
  }

  /** By their names. */
  readonly names = new Map([['default', defaultProject]]);

  addProject(name: string): ProjectRef {
    const project = projectRef(this.names.size + 1);
    this.names.set(name, project);
    this.#logs.set(project, new MemoryLog());
    return project;
  }

  /** By project; who is not here has no bound. */
  readonly terms = new Map<ProjectRef, ProjectTerms>();

  limit(project: ProjectRef, quotas: Partial<Quotas>): void {
    this.terms.set(project, { ...noTerms, quotas: { ...noQuotas, ...quotas } });
  }

  countListeners(project: ProjectRef): number {
    const own = [...this.listeners.values()].filter((row) => row.listener.project === project);
    return own.filter(({ listener }) => listener.state !== 'closed').length;
  }

  /** Of the project, by its id. */
  connection(project: ProjectRef, id: string): Connection | null {
    return this.#owners.get(id) === project ? (this.connections.get(id) ?? null) : null;
  }

  connectionsOf(project: ProjectRef): readonly Connection[] {
    return [...this.connections.values()].filter(({ id }) => this.#owners.get(id) === project);
  }

  /** Of the default project. */
  get history(): readonly Event[] {
    return this.log(defaultProject).history;
  }

  get bounds(): LogBounds {
    return this.log(defaultProject).bounds;
  }

  takeNode(nodeId: string): number {
    const place = (this.#nodes.get(nodeId)?.place ?? 0) + 1;
    this.#nodes.set(nodeId, { place, number: 0, firstSeqs: null });
    return place;
  }

  /** Nodes whose processes are there. */
  readonly present = new Set<string>();

  /** Whether this is the process that has the node's place. */
  hasPlace(nodeId: string, place: number | null): boolean {
    return this.#nodes.get(nodeId)?.place === (place ?? undefined);
  }

  /** All or nothing. An append that is repeated under its number is done once. */
  append(nodeId: string, place: number | null, append: Append): FirstSeqs {
    const node = this.#held(nodeId, place);
    const { number, firstSeqs: done } = node;
    if (append.number === number && done === null) throw new TypeError(`${number} was settled`);
    if (append.number === number && done !== null) return done;
    if (append.number !== number + 1)
      throw new TypeError(`append ${append.number} after ${number}`);
    const projects = new Set(append.entries.map(({ project }) => project));
    const firstSeqs = new Map(
      [...projects].map((project) => [project, this.log(project).history.length + 1]),
    );
    this.#assertListeners(append.entries);
    this.#assertRoom(append.entries);
    for (const entry of append.entries) this.#do(entry);
    this.#nodes.set(nodeId, { place: node.place, number: append.number, firstSeqs });
    for (const { project, events } of append.entries) {
      if (events.length > 0) this.#tellOthers(nodeId, project);
    }
    return firstSeqs;
  }

  #held(nodeId: string, place: number | null): NodePlace {
    const node = this.#nodes.get(nodeId);
    if (node === undefined || node.place !== place) throw new PlaceLost(nodeId);
    return node;
  }

  #do({ project, events, secrets, counters, audit, bytes }: AppendEntry): void {
    const log = this.log(project);
    this.audit.push(audit);
    for (const draft of events) {
      log.history.push({ ...draft, seq: log.history.length + 1 });
      this.#write(project, draft, secrets);
    }
    for (const { id, ...counted } of counters) {
      const row = this.connection(project, id);
      if (row === null || row.state === 'closed') continue;
      this.connections.set(id, { ...row, ...counted });
    }
    log.grow(bytes);
  }

  settle(nodeId: string, place: number | null, number: number): FirstSeqs | null {
    const node = this.#held(nodeId, place);
    if (node.number === number) return node.firstSeqs;
    if (node.number !== number - 1) throw new TypeError(`settling ${number} after ${node.number}`);
    this.#nodes.set(nodeId, { place: node.place, number, firstSeqs: null });
    return null;
  }

  /** Each name is of one listener, and each change on top of what is there. */
  #assertListeners(entries: readonly AppendEntry[]): void {
    const rows = new Map([...this.listeners].map(([id, row]) => [id, row.listener]));
    for (const event of entries.flatMap(({ events }) => events)) {
      if (!('listener' in event)) continue;
      const { id, project, name, state, revision } = event.listener;
      const known = this.listeners.get(id)?.listener;
      const isForeign = known !== undefined && known.project !== project;
      if (isForeign || revision !== (known?.revision ?? 0) + 1) {
        throw new AppError('failed_precondition', `${id} is not at revision ${revision - 1}`);
      }
      rows.set(id, event.listener);
      if (name === null || state === 'closed') continue;
      const taken = [...rows.values()].some(
        (other) =>
          other.id !== id &&
          other.project === project &&
          other.name === name &&
          other.state !== 'closed',
      );
      if (taken) throw new AppError('already_exists', `the name ${name} is taken`);
    }
  }

  /** Of what is only closed none is refused. */
  #assertRoom(entries: readonly AppendEntry[]): void {
    for (const [project, { quotas }] of this.terms) {
      const { listeners: max } = quotas;
      if (max === null) continue;
      const own = entries.filter((entry) => entry.project === project);
      const after = new Map<string, boolean>();
      for (const event of own.flatMap(({ events }) => events)) {
        if ('listener' in event) after.set(event.listener.id, event.listener.state !== 'closed');
      }
      const isLive = (id: string) =>
        (this.listeners.get(id)?.listener.state ?? 'closed') !== 'closed';
      const more = [...after].reduce((sum, [id, now]) => sum + Number(now) - Number(isLive(id)), 0);
      if (more > 0 && this.countListeners(project) + more > max) {
        throw quotaReached('listeners', max, 'listeners');
      }
    }
  }

  #write(project: ProjectRef, event: EventDraft, secrets: AppendEntry['secrets']): void {
    if ('listener' in event) {
      const { id } = event.listener;
      const old = this.listeners.get(id);
      const counts = {
        openConnections: old?.listener.openConnections ?? 0,
        totalConnections: old?.listener.totalConnections ?? 0,
      };
      this.listeners.set(id, {
        listener: { ...event.listener, ...counts },
        secrets: secrets.get(id) ?? old?.secrets ?? { tlsKey: null },
      });
    } else if ('connection' in event) {
      const { connection, type } = event;
      this.connections.set(connection.id, connection);
      this.#owners.set(connection.id, project);
      if (type === 'connection_opened') this.#count(connection.listenerId, 1, 1);
      if (type === 'connection_closed') this.#count(connection.listenerId, -1, 0);
    }
  }

  #count(listenerId: string, open: number, total: number): void {
    const row = this.listeners.get(listenerId);
    if (row === undefined) return;
    const { openConnections, totalConnections } = row.listener;
    this.change(listenerId, {
      openConnections: openConnections + open,
      totalConnections: totalConnections + total,
    });
  }

  change(listenerId: string, fields: Partial<Listener>): void {
    const row = this.listeners.get(listenerId);
    if (row === undefined) return;
    this.listeners.set(listenerId, { ...row, listener: { ...row.listener, ...fields } });
  }

  watch(nodeId: string, callback: ForeignAppend): () => void {
    const watcher = { nodeId, callback };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  #tellOthers(nodeId: string, project: ProjectRef): void {
    const { headSeq } = this.log(project).bounds;
    this.#notices.add(() => {
      for (const watcher of [...this.#watchers]) {
        if (watcher.nodeId !== nodeId) watcher.callback(project, headSeq);
      }
    });
    if (!this.isHoldingNotices) this.notify();
  }

  /** Passes on what was held. */
  notify(): void {
    const notices = [...this.#notices];
    this.#notices.clear();
    for (const notice of notices) notice();
  }

  age(project: ProjectRef, ageing: LogAgeing, clock: Micros): LogAge {
    const { timeMin, timeMax, confirmedTime, leapMaxMs } = ageing;
    const before = this.#time ?? clock;
    const isClose = clock - before <= leapMaxMs * 1000;
    const ahead = Math.max(before, timeMax ?? 0, confirmedTime ?? 0, isClose ? clock : 0);
    const time = Math.max(before, timeMin ?? 0, Math.min(clock, ahead));
    this.#time = time;
    return { time, clock, bytes: this.log(project).age(ageing, time) };
  }

  purge(project: ProjectRef, request: PurgeRequest): LogBounds & { hasMore: boolean } {
    const log = this.log(project);
    const { gone, hasMore } = log.purge(request);
    for (const event of gone) {
      if (event.type === 'connection_closed') this.connections.delete(event.connection.id);
    }
    const told = new Set(log.kept.map((event) => event.listenerId));
    for (const [id, { listener }] of this.listeners) {
      const isOurs = listener.project === project;
      if (isOurs && listener.state === 'closed' && !told.has(id)) this.listeners.delete(id);
    }
    return { ...log.bounds, hasMore };
  }
}

export function listenerMatches(listener: Listener, query: ListenerQuery): boolean {
  const { state, protocol, port, name, labels } = query;
  return (
    (state === null ? listener.state !== 'closed' : listener.state === state) &&
    (protocol === null || listener.protocol === protocol) &&
    (name === null || listener.name === name) &&
    (port === null || (listener.laddr?.port ?? listener.port) === port) &&
    Object.entries(labels).every(([key, value]) => listener.labels[key] === value)
  );
}

export function connectionMatches(connection: Connection, query: ConnectionQuery): boolean {
  const { listenerIds, state, protocol, raddr, declaredRaddr, lport, closeReason } = query;
  const remoteIp = connection.raddr?.ip;
  const declaredIp = connection.declaredRaddr?.ip;
  const { acceptedAfter, acceptedBefore } = query;
  return (
    (listenerIds === null || listenerIds.includes(connection.listenerId)) &&
    (state === null || connection.state === state) &&
    (protocol === null || connection.protocol === protocol) &&
    (raddr === null || (remoteIp !== undefined && networkSet([raddr])(remoteIp))) &&
    (declaredRaddr === null ||
      (declaredIp !== undefined && networkSet([declaredRaddr])(declaredIp))) &&
    (lport === null || connection.laddr.port === lport) &&
    (closeReason === null || connection.closeReason === closeReason) &&
    (acceptedAfter === null || connection.acceptedAt >= acceptedAfter) &&
    (acceptedBefore === null || connection.acceptedAt < acceptedBefore)
  );
}
