/**
 * A Store over a MemoryDatabase, with hooks for what a database does to its callers: it is away, it is slow,
 * it commits and the answer is lost.
 */

import type { AuditLog } from '../../src/core/audit.ts';
import type { ConnectionDirectory, ListenerDirectory } from '../../src/core/directories.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/event.ts';
import { type EventFilter, eventMatcher } from '../../src/core/event-filter.ts';
import {
  fullness,
  type IdempotencyKeeping,
  type IdempotencyKeys,
  type IdempotencyRun,
  type IdempotencyTake,
  type IdempotentAnswer,
  type KeptAnswers,
} from '../../src/core/idempotency-keys.ts';
import { isOver, type Listener } from '../../src/core/listener.ts';
import { carries } from '../../src/core/listener-choice.ts';
import type { LogKeeping } from '../../src/core/log-keeping.ts';
import type { Nodes, TakenNode } from '../../src/core/nodes.ts';
import type { PageRequest } from '../../src/core/page.ts';
import type { Clock } from '../../src/core/ports.ts';
import { defaultProject, type ProjectRef } from '../../src/core/project.ts';
import { noTerms } from '../../src/core/quotas.ts';
import { eventBytes, itemBytes, specBytes, takeBytes } from '../../src/core/sizes.ts';
import type {
  ForeignAppends,
  Log,
  ProjectDirectory,
  ProjectStore,
  Store,
} from '../../src/core/store.ts';
import type { Micros } from '../../src/core/time.ts';
import type { Append } from '../../src/core/writer.ts';
import { connectionMatches, listenerMatches, MemoryDatabase } from './memory-database.ts';

/** What befalls one append. */
export interface AppendFault {
  /** Reported unavailable before it took effect, or after. */
  readonly fails?: 'before' | 'after';
  /** Thrown instead of doing anything. */
  readonly refusal?: Error;
  /** Waited for before it takes effect. */
  readonly begin?: Promise<unknown>;
  /** Waited for after it took effect, before the answer. */
  readonly end?: Promise<unknown>;
}

export interface MemoryStoreOptions {
  readonly database?: MemoryDatabase;
  readonly nodeId?: string;
  readonly clock?: Clock;
  /** Waited for before and after each call: where others get in between. */
  readonly turn?: () => Promise<void>;
}

const away = () => new AppError('unavailable', 'the database is away');

export class MemoryStore implements Store {
  readonly database: MemoryDatabase;
  readonly nodeId: string;
  /** Each append takes the first of these. */
  readonly faults: AppendFault[] = [];
  /** While it is true, every call throws unavailable. */
  isAway = false;
  /** How many of the next writes of which generation is served find the store away. */
  lostObserved = 0;
  /** Events that one read looks at before it answers with what it has. */
  scanMax = Number.POSITIVE_INFINITY;
  /** Calls of append, repeated ones too. */
  readonly appends: Append[] = [];
  /** Thrown instead of doing the append, where it gives something. */
  judge: (append: Append) => Error | null = () => null;
  /** Numbers whose outcome was asked for. */
  readonly settled: number[] = [];
  /** How often events were read. */
  reads = 0;
  /** What the default project has, for tests of one project. */
  readonly log: Log;
  readonly keeping: LogKeeping;
  readonly listeners: ListenerDirectory;
  readonly connections: ConnectionDirectory;
  readonly idempotencyKeys: IdempotencyKeys;
  readonly #clock: Clock;
  readonly #turn: () => Promise<void>;
  #place: number | null = null;

  constructor(options: MemoryStoreOptions = {}) {
    this.database = options.database ?? new MemoryDatabase();
    this.nodeId = options.nodeId ?? 'node-a';
    this.#clock = options.clock ?? { now: () => Date.now() * 1000 };
    this.#turn = options.turn ?? (() => Promise.resolve());
    const own = this.of(defaultProject);
    this.log = own.log;
    this.keeping = own.keeping;
    this.listeners = own.listeners;
    this.connections = own.connections;
    this.idempotencyKeys = own.idempotencyKeys;
  }

  async #call<Result>(work: () => Result): Promise<Result> {
    await this.#turn();
    if (this.isAway) throw away();
    const result = work();
    await this.#turn();
    return result;
  }

  /** As it is once it is taken. */
  readonly node: TakenNode = {
    append: async (append) => {
      this.appends.push(append);
      const fault = this.faults.shift() ?? {};
      await this.#turn();
      await fault.begin;
      if (fault.refusal !== undefined) throw fault.refusal;
      const judged = this.judge(append);
      if (judged !== null) throw judged;
      if (this.isAway || fault.fails === 'before') throw away();
      const done = this.database.append(this.nodeId, this.#place, append);
      await fault.end;
      await this.#turn();
      if (fault.fails === 'after') throw away();
      return done;
    },
    settle: (number) => {
      this.settled.push(number);
      return this.#call(() => this.database.settle(this.nodeId, this.#place, number));
    },
    readListeners: ({ pageSize, after, bytesMax }) =>
      this.#call(() => {
        const rest = [...this.database.listeners.values()]
          .filter(({ listener }) => listener.nodeId === this.nodeId && !isOver(listener))
          .map(({ listener, secrets }) => ({ ...listener, secrets }))
          .filter(({ id }) => after === null || id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1));
        return takeBytes(rest.slice(0, pageSize), listenerBytes, bytesMax);
      }),
    readEnded: (since, limit) =>
      this.#call(() =>
        this.#allListeners()
          .filter(({ nodeId, closedAt }) => nodeId === this.nodeId && (closedAt ?? -1) >= since)
          .sort((a, b) => (a.closedAt ?? 0) - (b.closedAt ?? 0))
          .slice(-limit),
      ),
    readOpenConnections: (project, afterId, limit, listenerId = null) =>
      this.#call(() =>
        this.database
          .connectionsOf(project)
          .filter(({ nodeId, state }) => nodeId === this.nodeId && state !== 'closed')
          .filter(({ id }) => afterId === null || id > afterId)
          .filter((one) => listenerId === null || one.listenerId === listenerId)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit),
      ),
  };

  readonly audit: AuditLog = {
    add: (entry) => this.#call(() => this.database.audit.push([entry])),
    list: (query, page) => this.#call(() => this.database.audit.list(query, page)),
    purge: (before, limit) => this.#call(() => this.database.audit.purge(before, limit)),
    purgeExcess: (excess, limit) =>
      this.#call(() => this.database.audit.purgeExcess(excess, limit)),
  };

  readonly projects: ProjectDirectory = {
    findRef: (name) => this.#call(() => this.database.names.get(name) ?? null),
    all: () => this.#call(() => [...this.database.names.values()]),
    terms: () =>
      this.#call(() =>
        [...this.database.names].map(([name, ref]) => {
          const terms = this.database.terms.get(ref) ?? noTerms;
          return { name, ref, terms };
        }),
      ),
    countListeners: (project) => this.#call(() => this.database.countListeners(project)),
  };

  of(project: ProjectRef): ProjectStore {
    return {
      log: this.#log(project),
      keeping: {
        age: (ageing) => this.#call(() => this.database.age(project, ageing, this.#clock.now())),
        purge: (request) => this.#call(() => this.database.purge(project, request)),
      },
      listeners: this.#directory(project),
      connections: {
        find: (id) => this.#call(() => this.database.connection(project, id)),
        findAll: (ids) =>
          this.#call(() =>
            [...ids].sort().flatMap((id) => this.database.connection(project, id) ?? []),
          ),
        list: (query, page) =>
          this.#call(() => {
            const all = this.database.connectionsOf(project);
            return newestFirst(
              all.filter((connection) => connectionMatches(connection, query)),
              page,
            );
          }),
      },
      idempotencyKeys: this.#keys(project),
    };
  }

  #log(project: ProjectRef): Log {
    const log = () => this.database.log(project);
    return {
      read: ({ afterSeq, limit, bytesMax, filter }) => {
        this.reads += 1;
        return this.#call(() => {
          const { history, bounds } = log();
          const begin = Math.max(afterSeq, bounds.oldestSeq - 1);
          const seen = history.slice(begin, Math.min(bounds.headSeq, begin + this.scanMax));
          const { events, last } = matching(seen, { limit, bytesMax, filter });
          return { events, throughSeq: last ?? Math.max(afterSeq, begin), ...bounds };
        });
      },
      readBack: ({ beforeSeq, limit, bytesMax, filter }) =>
        this.#call(() => {
          const { kept, bounds } = log();
          const below = kept.filter(({ seq }) => seq < beforeSeq);
          const seen = below.toReversed().slice(0, this.scanMax);
          const { events, last } = matching(seen, { limit, bytesMax, filter });
          return { events, throughSeq: last ?? bounds.oldestSeq, ...bounds };
        }),
      readBounds: () => this.#call(() => log().bounds),
      readId: () => this.#call(() => log().id),
      seqBefore: (time) =>
        this.#call(() => {
          const { kept, bounds } = log();
          const first = kept.find((event) => event.time >= time);
          return first === undefined ? bounds.headSeq : first.seq - 1;
        }),
      seqBeforeNewest: (count, filter) =>
        this.#call(() => {
          const { kept, bounds } = log();
          if (count === 0) return bounds.headSeq;
          const wanted = kept.filter(eventMatcher(filter));
          return (wanted.at(-count)?.seq ?? bounds.oldestSeq) - 1;
        }),
    };
  }

  #directory(project: ProjectRef): ListenerDirectory {
    const all = () => this.#allListeners().filter((listener) => listener.project === project);
    const live = (wanted: string) => all().find((one) => one.name === wanted && !isOver(one));
    const byId = (wanted: string) => all().find(({ id }) => id === wanted);
    const over = (wanted: string) =>
      all()
        .filter(({ name, state }) => name === wanted && state === 'closed')
        .sort((a, b) => (a.id > b.id ? -1 : 1))[0];
    return {
      find: (idOrName) => this.#call(() => byId(idOrName) ?? live(idOrName) ?? null),
      list: (query, page) =>
        this.#call(() => {
          const wanted = all().filter((listener) => listenerMatches(listener, query));
          const rows = newestFirst(wanted, { ...page, pageSize: page.pageSize + 1 });
          const items = takeBytes(rows.slice(0, page.pageSize), listenerBytes, page.bytesMax);
          return { items, hasMore: items.length < rows.length };
        }),
      findIds: (idsOrNames) =>
        this.#call(() =>
          idsOrNames.map((one) => (byId(one) ?? live(one) ?? over(one))?.id ?? null),
        ),
      findLabelledIds: ({ labels, among, limit }) =>
        this.#call(() =>
          all()
            .filter(({ id }) => among === null || among.includes(id))
            .filter((listener) => carries(listener, labels))
            .slice(0, limit)
            .map(({ id }) => id),
        ),
      observed: (id, generation) =>
        this.#call(() => {
          if (this.lostObserved > 0) {
            this.lostObserved -= 1;
            throw away();
          }
          if (byId(id)?.generation !== generation) return;
          this.database.change(id, { observedGeneration: generation });
        }),
      findNames: (ids) =>
        this.#call(() => {
          const wanted = all().filter(({ id }) => ids.includes(id));
          return new Map(wanted.map(({ id, name }) => [id, name]));
        }),
    };
  }

  #allListeners(): readonly Listener[] {
    return [...this.database.listeners.values()].map(({ listener }) => listener);
  }

  #keys(project: ProjectRef): IdempotencyKeys {
    const { answers } = this.database;
    const nameOf = (key: string) => `${project} ${key}`;
    return {
      take: (take) => this.#call(() => this.#takeKey(project, { ...take, key: nameOf(take.key) })),
      keep: (key, { takenAt }, body) =>
        this.#call(() => {
          const taken = answers.get(nameOf(key));
          if (taken?.takenAt === takenAt) answers.set(nameOf(key), { ...taken, body });
        }),
      release: (key, { takenAt }) =>
        this.#call(() => {
          const taken = answers.get(nameOf(key));
          if (taken?.body === null && taken.takenAt === takenAt) answers.delete(nameOf(key));
        }),
      leave: (key, { takenAt }) =>
        this.#call(() => {
          const taken = answers.get(nameOf(key));
          if (taken?.takenAt === takenAt) answers.set(nameOf(key), { ...taken, place: 0 });
        }),
    };
  }

  readonly idempotencyKeeping: IdempotencyKeeping = {
    purge: (expiresBefore, limit) =>
      this.#call(() => {
        const { answers } = this.database;
        const expired = [...answers].filter(([, { takenAt }]) =>
          this.#isExpired(takenAt, expiresBefore),
        );
        const gone = expired.slice(0, limit);
        for (const [key] of gone) answers.delete(key);
        return gone.length === limit;
      }),
  };

  readonly foreignAppends: ForeignAppends = {
    on: (project, callback) =>
      this.database.watch(this.nodeId, (grown, headSeq) => {
        if (grown === project) callback(headSeq);
      }),
  };

  readonly nodes: Nodes = {
    takeOwn: () =>
      this.#call(() => {
        this.database.present.add(this.nodeId);
        this.#place = this.database.takeNode(this.nodeId);
        return this.node;
      }),
    whereIs: (nodeId) => this.#call(() => (this.database.present.has(nodeId) ? 'there' : 'gone')),
    takeOver: (nodeId) =>
      this.#call(() => {
        if (this.database.present.has(nodeId)) return null;
        const other = new MemoryStore({ database: this.database, nodeId, clock: this.#clock });
        other.#place = this.database.takeNode(nodeId);
        return other.node;
      }),
    others: () =>
      this.#call(() => {
        const live = this.#allListeners().filter((listener) => !isOver(listener));
        const open = [...this.database.connections.values()].filter(
          ({ state }) => state !== 'closed',
        );
        const ids = [...live, ...open].map(({ nodeId }) => nodeId);
        return [...new Set(ids)].filter((id) => id !== this.nodeId);
      }),
  };

  /** The process of the node is gone, for all to see. */
  leave(): void {
    this.database.present.delete(this.nodeId);
  }

  ping(): Promise<boolean> {
    return this.#call(() => true);
  }

  #kept(prefix = ''): KeptAnswers {
    const kept = [...this.database.answers].filter(([name]) => name.startsWith(prefix));
    const bytes = kept.reduce((sum, [, { body }]) => sum + (body?.length ?? 0), 0);
    return { count: kept.length, bytes };
  }

  #isExpired(takenAt: Micros, before: Micros): boolean {
    return takenAt < before || takenAt > 2 * this.#clock.now() - before;
  }

  #takeKey(project: ProjectRef, take: IdempotencyTake): IdempotencyRun | IdempotentAnswer {
    const { key, bodyHash, expiresBefore, lostBefore } = take;
    const { answers } = this.database;
    const given = answers.get(key);
    const full = fullness(this.#kept(`${project} `), [this.#kept()], project, take);
    if (given === undefined && full !== null) throw full;
    const isExpired = given === undefined || this.#isExpired(given.takenAt, expiresBefore);
    const isLost =
      given?.body === null &&
      given.bodyHash === bodyHash &&
      (given.takenAt < lostBefore || !this.database.hasPlace(given.nodeId, given.place));
    if (!isExpired && !isLost) {
      return { bodyHash: given.bodyHash, body: given.body };
    }
    const seed = isExpired ? take.seed : given.seed;
    const takenAt = this.#clock.now();
    const run = { bodyHash, seed, nodeId: this.nodeId, place: this.#place };
    answers.set(key, { ...run, body: null, takenAt });
    return { seed, takenAt };
  }
}

/** What of the events that a read saw it answers with, and the seq of the last that it is done with. */
function matching(
  seen: readonly Event[],
  { limit, bytesMax, filter }: { limit: number; bytesMax: number; filter: EventFilter },
) {
  const wanted = seen.filter(eventMatcher(filter));
  const events = takeBytes(wanted.slice(0, limit), eventBytes, bytesMax);
  const isCut = wanted.length > events.length;
  return { events, last: isCut ? events.at(-1)?.seq : seen.at(-1)?.seq };
}

function listenerBytes(listener: Listener): number {
  return itemBytes + specBytes(listener);
}

function newestFirst<Item extends { readonly id: string }>(
  items: readonly Item[],
  { pageSize, after }: PageRequest,
): readonly Item[] {
  return items
    .filter(({ id }) => after === null || id < after)
    .sort((a, b) => (a.id > b.id ? -1 : 1))
    .slice(0, pageSize);
}
