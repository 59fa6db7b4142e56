/**
 * What core needs of the database, a port for each that asks: the log, who may write it, what is on record of listeners
 * and connections, the nodes. All methods throw `unavailable` when the database is away, within a bound; each names
 * what else it throws.
 */
import type { CloseReason, Connection, ConnectionState } from './connection.ts';
import type { Event, EventDraft } from './event.ts';
import type { EventFilter } from './event-filter.ts';
import type { IdempotencyKeys } from './idempotency-keys.ts';
import type { Listener, ListenerSecrets, ListenerState, Protocol } from './listener.ts';
import type { PageItems, PageRequest, SizedPageRequest } from './page.ts';
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

/** One transaction of the log. */
export interface Append {
  /**
   * Rises by one with every append of this process; one that was settled takes up its number, one that was refused
   * does not. An append that is repeated under its number is done once.
   */
  readonly number: number;
  /** A listener event writes its listener's row (counts aside), a connection event its connection's. */
  readonly events: readonly EventDraft[];
  /** By listener id, for listeners created in this append. */
  readonly secrets: ReadonlyMap<string, ListenerSecrets>;
  readonly counters: readonly Counters[];
  /** Of its events in the store, about; the log's own size is the sum of these. */
  readonly bytes: number;
}

export interface LogBounds {
  /** Seq of the newest committed event; 0 before the first. */
  readonly headSeq: number;
  /** Seq of the oldest event still kept; headSeq + 1 where none is. */
  readonly oldestSeq: number;
}

/** How the log's own time goes on, and how often the log is marked with it. */
export interface LogAgeing {
  /** The time goes on up to here at least; null: it may stand still. */
  readonly timeMin: Micros | null;
  /** And with the database's clock up to here; null: not with it. */
  readonly timeMax: Micros | null;
  /** How late it is, as a person says; unless the database's clock shows less. */
  readonly confirmedTime: Micros | null;
  /** A clock that is ahead of it by no more is believed. */
  readonly leapMaxMs: number;
  /** A mark comes after so much time, */
  readonly markMs: number;
  /** or after so many bytes. */
  readonly markBytes: number;
}

export interface LogAge {
  /** The log's own; it never falls. */
  readonly time: Micros;
  /** What the database's clock shows. */
  readonly clock: Micros;
  /** Of the events that are kept, about. */
  readonly bytes: number;
}

export interface PurgeRequest {
  /** Of the log's own time: what was appended up to then goes. */
  readonly before: Micros;
  readonly eventsMax: number;
  readonly bytesMax: number;
  readonly limit: number;
}

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

/** The one log, as any process may read it. */
export interface Log {
  /**
   * Reads on after `afterSeq`, at most `limit` events, and no more once they hold `bytesMax`; may return fewer, and
   * even none, before the head.
   */
  read(request: EventRead & { readonly afterSeq: number }): Promise<EventPage>;
  /** As read, back from before `beforeSeq`, newest first: all down to `throughSeq`; `oldestSeq` is the end. */
  readBack(request: EventRead & { readonly beforeSeq: number }): Promise<EventPage>;
  readBounds(): Promise<LogBounds>;
  /** Seq of the newest event before `time`, so that reading after it gives all since; 0 where none is. */
  seqBefore(time: Micros): Promise<number>;
  /** The seq after which exactly the newest `count` matching events lie. */
  seqBeforeNewest(count: number, filter: EventFilter): Promise<number>;
}

/** Learns of what other nodes append. */
export interface ForeignAppends {
  /** Calls back with a new head. Returns a function that ends it. */
  on(callback: (headSeq: number) => void): () => void;
}

/** Keeps the log short. */
export interface LogKeeping {
  /** Lets the log's own time go on. */
  age(ageing: LogAgeing): Promise<LogAge>;
  /**
   * Deletes a bounded piece of what is older than `before`, or beyond the newest `eventsMax` events or `bytesMax`
   * bytes, whole events from the oldest on, with the connections whose closed event goes and closed listeners of no
   * more events. Age and bytes are known at the marks of `age`, and guessed in between. Resolves with the bounds, and
   * whether there is more to delete.
   */
  purge(request: PurgeRequest): Promise<LogBounds & { readonly hasMore: boolean }>;
}

/** Who may append to the log. */
export interface Writer {
  /**
   * Writes it all in one transaction, durable when it resolves; seqs are firstSeq, firstSeq + 1, …
   * @throws already_exists when a listener's name is taken
   * @throws failed_precondition when another process has taken the node
   */
  append(append: Append): Promise<{ readonly firstSeq: number }>;
  /**
   * The outcome of an append that failed, for good: its first seq when it was done; null when it was not, and then it
   * never will be, whatever of it is still on its way. Either way its number is used up.
   * @throws failed_precondition when another process has taken the node
   */
  settle(number: number): Promise<number | null>;
}

/** What is on record as living on a node. */
export interface NodeContents {
  /** The node's listeners that are not closed, in id order; none is the end. */
  readListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]>;
  /** The node's connections that are not closed, in id order, at most `limit` after the id; of one listener, or of all. */
  readOpenConnections(
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

/** Listeners on record, closed ones too, whichever node has them. */
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

/** Connections on record, open and closed, of every node. */
export interface ConnectionDirectory {
  find(id: string): Promise<Connection | null>;
  /** Newest first; the page key is an id. */
  list(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]>;
}

export interface Store {
  readonly log: Log;
  readonly foreignAppends: ForeignAppends;
  readonly keeping: LogKeeping;
  readonly nodes: Nodes;
  readonly listeners: ListenerDirectory;
  readonly connections: ConnectionDirectory;
  readonly idempotencyKeys: IdempotencyKeys;
  ping(): Promise<void>;
}
