/**
 * What core needs of the database, a port for each that asks: a project's log and what is on record of its listeners and
 * connections; who may write, the nodes. All methods throw `unavailable` when the database is away, within a bound; each names
 * what else it throws.
 */
import type { AuditEntry, AuditLog } from './audit.ts';
import type { CloseReason, Connection, ConnectionState } from './connection.ts';
import type { Event, EventDraft } from './event.ts';
import type { EventFilter } from './event-filter.ts';
import type { IdempotencyKeys } from './idempotency-keys.ts';
import type { Listener, ListenerSecrets, ListenerState, Protocol } from './listener.ts';
import type { LogBounds, LogKeeping } from './log-keeping.ts';
import type { PageItems, PageRequest, SizedPageRequest } from './page.ts';
import type { ProjectRef } from './project.ts';
import type { Counters } from './record.ts';
import type { Micros } from './time.ts';

export interface ListenerQuery {
  /** Without a state, closed listeners are left out. */
  readonly state: ListenerState | null;
  readonly protocol: Protocol | null;
  readonly port: number | null;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ConnectionQuery {
  /** Of any of them; null: of all. */
  readonly listenerIds: readonly string[] | null;
  readonly state: ConnectionState | null;
  readonly protocol: Protocol | null;
  /** Address or CIDR of the socket's remote end. */
  readonly raddr: string | null;
  readonly lport: number | null;
  readonly closeReason: CloseReason | null;
  /** Inclusive. */
  readonly acceptedAfter: Micros | null;
  /** Exclusive. */
  readonly acceptedBefore: Micros | null;
}

/** Who carries all of the labels now, or did at its end: any `limit` of them, in no order. */
export interface LabelledRequest {
  readonly labels: Readonly<Record<string, string>>;
  /** Null: of all listeners. */
  readonly among: readonly string[] | null;
  readonly limit: number;
}

/** One transaction of the logs. */
export interface Append {
  /**
   * Rises by one with every append of this process; one that was settled takes up its number, one that was refused
   * does not. An append that is repeated under its number is done once.
   */
  readonly number: number;
  readonly entries: readonly AppendEntry[];
}

/** What an append writes for one project, which may have several entries. */
export interface AppendEntry {
  readonly project: ProjectRef;
  /**
   * A listener event writes its listener's row (counts aside), a connection event its connection's. A listener has the
   * revision that its row gets, and is changed only on top of the one before.
   */
  readonly events: readonly EventDraft[];
  /** By listener id, for listeners created in this append. */
  readonly secrets: ReadonlyMap<string, ListenerSecrets>;
  readonly counters: readonly Counters[];
  /** Who asked for what its events tell; there with them, or not at all. */
  readonly audit: readonly AuditEntry[];
  /** Of its events in the store, about; a log's own size is the sum of these. */
  readonly bytes: number;
}

/** Of each project that an append was for, the seq of its first event there: the others follow, entry after entry. */
export type FirstSeqs = ReadonlyMap<ProjectRef, number>;

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
  /** The seq after which exactly the newest `count` matching events lie. */
  seqBeforeNewest(count: number, filter: EventFilter): Promise<number>;
}

/** Learns of what other nodes append. */
export interface ForeignAppends {
  /** Calls back with a new head of the project's log. Returns a function that ends it. */
  on(project: ProjectRef, callback: (headSeq: number) => void): () => void;
}

/** Who may append to the logs. */
export interface Writer {
  /**
   * Writes it all in one transaction, durable when it resolves; the seqs of each project are dense.
   * @throws already_exists when a listener's name is taken
   * @throws failed_precondition when a listener is not at the revision before
   * @throws not_found when a project has no log
   * @throws PlaceLost when another process has taken the node
   */
  append(append: Append): Promise<FirstSeqs>;
  /**
   * The outcome of an append that failed, for good: its first seqs when it was done; null when it was not, and then it
   * never will be, whatever of it is still on its way. Either way its number is used up.
   * @throws PlaceLost when another process has taken the node
   */
  settle(number: number): Promise<FirstSeqs | null>;
}

/** What is on record as living on a node. */
export interface NodeContents {
  /** The node's listeners that are not closed, of all projects, in id order; none is the end. */
  readListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]>;
  /**
   * The node's connections that are not closed, of the project, in id order, at most `limit` after the id; of one
   * listener, or of all.
   */
  readOpenConnections(
    project: ProjectRef,
    afterId: string | null,
    limit: number,
    listenerId?: string | null,
  ): Promise<readonly Connection[]>;
}

/** A node that this process has taken: it alone writes for it, until another process takes it. */
export interface TakenNode extends Writer, NodeContents {}

/** Who is there. Of the nodes, `own` is this process's. */
export interface Nodes {
  /** Takes the own node: no append of an earlier process with its id can land any more. */
  takeOwn(): Promise<TakenNode>;
  /** Whether a process of the node uses this database, as far as the database can tell. */
  isThere(nodeId: string): Promise<boolean>;
  /**
   * Takes another node that is not there, and was not for a while; null when it is. Where it was only unreachable it
   * can not append any more, and what it holds is another's to tell until it takes itself again.
   */
  takeOver(nodeId: string): Promise<TakenNode | null>;
  /** The other nodes that have listeners that are not closed, or open connections. */
  others(): Promise<readonly string[]>;
}

/** A project's listeners on record, closed ones too, whichever node has them. */
export interface ListenerDirectory {
  /** By id, or by the name of one that is not closed; null where there is none. */
  find(idOrName: string): Promise<Listener | null>;
  /** Of each the id, closed or not; of a name nobody has now the newest that had it at its end. Null for none. */
  findIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]>;
  findLabelledIds(request: LabelledRequest): Promise<readonly string[]>;
  /** By id, of those that are on record, closed or not. */
  findNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
  /** Newest first; the page key is an id. */
  list(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>>;
}

/** A project's connections on record, open and closed, of every node. */
export interface ConnectionDirectory {
  find(id: string): Promise<Connection | null>;
  /** Those of them that are on record, in id order. */
  findAll(ids: readonly string[]): Promise<readonly Connection[]>;
  /** Newest first; the page key is an id. */
  list(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]>;
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
}

export interface Store {
  readonly projects: ProjectDirectory;
  of(project: ProjectRef): ProjectStore;
  readonly foreignAppends: ForeignAppends;
  readonly nodes: Nodes;
  readonly audit: AuditLog;
  ping(): Promise<void>;
}
