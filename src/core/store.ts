/**
 * What core needs of the database, a port for each that asks: a project's log and what is on record of its listeners and
 * connections; who may write, the nodes. All methods throw `unavailable` when the database is away, within a bound; each names
 * what else it throws.
 */
import type { AuditLog } from './audit.ts';
import type { ConnectionDirectory, ListenerDirectory } from './directories.ts';
import type { Event } from './event.ts';
import type { EventFilter } from './event-filter.ts';
import type { IdempotencyKeeping, IdempotencyKeys } from './idempotency-keys.ts';
import type { LogBounds, LogKeeping } from './log-keeping.ts';
import type { Nodes } from './nodes.ts';
import type { ProjectRef } from './project.ts';
import type { NamedTerms } from './quotas.ts';
import type { Micros } from './time.ts';

export interface EventPage extends LogBounds {
  readonly events: readonly Event[];
  /** Every matching event up to here has been returned: read on after it. */
  readonly throughSeq: number;
}

interface EventRead {
  readonly limit: number;
  readonly bytesMax: number;
  readonly filter: EventFilter;
}

/** A project's log, as any process may read it. */
export interface Log {
  /**
   * Reads on after `afterSeq`, at most `limit` events, and no more once they hold `bytesMax`; may return fewer, and
   * even none, before the head.
   */
  read(request: EventRead & { readonly afterSeq: number }): Promise<EventPage>;
  /** As read, back from before `beforeSeq`, newest first: all down to `throughSeq`; `oldestSeq` is the end. */
  readBack(request: EventRead & { readonly beforeSeq: number }): Promise<EventPage>;
  readBounds(): Promise<LogBounds>;
  /** Of the log itself: never changes while a process uses the store. @throws not_found */
  readId(): Promise<string>;
  /** Seq of the newest event before `time`, so that reading after it gives all since; 0 where none is. */
  seqBefore(time: Micros): Promise<number>;
  /** The seq after which exactly the newest `count` matching events lie. @throws resource_exhausted: too far back */
  seqBeforeNewest(count: number, filter: EventFilter, signal: AbortSignal): Promise<number>;
}

/** Learns of what other nodes append. */
export interface ForeignAppends {
  /** Calls back with a new head of the project's log. Returns a function that ends it. */
  on(project: ProjectRef, callback: (headSeq: number) => void): () => void;
}

/** What is on record of one project; of others it shows and reaches nothing. */
export interface ProjectStore {
  readonly log: Log;
  readonly keeping: LogKeeping;
  readonly listeners: ListenerDirectory;
  readonly connections: ConnectionDirectory;
  readonly idempotencyKeys: IdempotencyKeys;
}

export interface ProjectDirectory {
  /** Null where there is none of the name, or one that is being deleted. */
  findRef(name: string): Promise<ProjectRef | null>;
  all(): Promise<readonly ProjectRef[]>;
  /** What each may have. */
  terms(): Promise<readonly NamedTerms[]>;
  /** Its listeners that are not closed. */
  countListeners(project: ProjectRef): Promise<number>;
}

export interface Store {
  readonly projects: ProjectDirectory;
  of(project: ProjectRef): ProjectStore;
  readonly foreignAppends: ForeignAppends;
  readonly nodes: Nodes;
  readonly audit: AuditLog;
  readonly idempotencyKeeping: IdempotencyKeeping;
  /** Resolves to whether it has a connection for each part that wants one. */
  ping(): Promise<boolean>;
}
