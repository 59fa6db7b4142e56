/** What core needs of the world. Each method names the AppError codes that it throws. */
import type { Address } from './address.ts';
import type { CloseReason, Connection, ConnectionState } from './connection.ts';
import type { Event, EventDraft } from './event.ts';
import type { EventFilter } from './event-filter.ts';
import type { Fault } from './fault.ts';
import type { IdempotencyKeys } from './idempotency-keys.ts';
import type {
  Listener,
  ListenerLimits,
  ListenerReason,
  ListenerSecrets,
  ListenerSpec,
  ListenerState,
  ListeningSocket,
  NewTls,
  Protocol,
  TlsSettings,
} from './listener.ts';
import type { PageItems, PageRequest, SizedPageRequest } from './page.ts';
import type { Counters, WorkerRecord } from './record.ts';
import type { Micros } from './time.ts';

export interface Clock {
  now(): Micros;
}

/** Fields first, then a constant message, as pino has it. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

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
  /** It is that late, a person says, unless the database's clock shows less. */
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

/** What only whoever has a node's place in the log may do. Throws `unavailable` as the Store does. */
export interface NodeStore {
  /**
   * Writes it all in one transaction, durable when it resolves; seqs are firstSeq, firstSeq + 1, …
   * @throws already_exists when a listener's name is taken
   * @throws failed_precondition when another process has taken the node's place
   */
  append(append: Append): Promise<{ readonly firstSeq: number }>;
  /**
   * The outcome of an append that failed, for good: its first seq when it was done; null when it was not, and then it
   * never will be, whatever of it is still on its way. Either way its number is used up.
   * @throws failed_precondition when another process has taken the node's place
   */
  settle(number: number): Promise<number | null>;
  /** The node's listeners that are not closed, in id order; none is the end. */
  readOwnListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]>;
  /** The node's connections that are not closed, in id order, at most `limit` after the id; of one listener, or of all. */
  readOwnOpenConnections(
    afterId: string | null,
    limit: number,
    listenerId?: string | null,
  ): Promise<readonly Connection[]>;
}

/** All methods throw `unavailable` when the database is away, within a bound. Of nodes, `own` is this one. */
export interface Store extends NodeStore, IdempotencyKeys {
  /**
   * Reads on after `afterSeq`, at most `limit` events, and no more once they hold `bytesMax`; may return fewer, and
   * even none, before the head.
   */
  readEvents(request: EventRead & { readonly afterSeq: number }): Promise<EventPage>;
  /** As readEvents, back from before `beforeSeq`, newest first: all down to `throughSeq`; `oldestSeq` is the end. */
  readEventsBack(request: EventRead & { readonly beforeSeq: number }): Promise<EventPage>;
  readBounds(): Promise<LogBounds>;
  /** Seq of the newest event before `time`, so that reading after it gives all since; 0 where none is. */
  seqBefore(time: Micros): Promise<number>;
  /** The seq after which exactly the newest `count` matching events lie. */
  seqBeforeNewest(count: number, filter: EventFilter): Promise<number>;
  /** By id, or by the name of one that is not closed; null where there is none. */
  findListener(idOrName: string): Promise<Listener | null>;
  /** Of each the id, closed or not; of a name nobody has now the newest that had it at its end. Null for none. */
  findListenerIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]>;
  findLabelledIds(request: LabelledRequest): Promise<readonly string[]>;
  /** By id, of those that are on record, closed or not. */
  findListenerNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
  /** Newest first; the page key is an id. */
  listListeners(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>>;
  findConnection(id: string): Promise<Connection | null>;
  /** Newest first; the page key is an id. */
  listConnections(query: ConnectionQuery, page: PageRequest): Promise<readonly Connection[]>;
  /** Takes the node's place in the log: no append of an earlier process with its id can land any more. */
  takeNode(): Promise<void>;
  /** Whether a process of the node uses this database, as far as the database can tell. */
  isNodeThere(nodeId: string): Promise<boolean>;
  /**
   * Takes the place of another node that is not there, and was not for a while; null when it is. Where it was only
   * unreachable it can not append any more, and what it holds is another's to tell until it takes its place again.
   */
  takePlaceOf(nodeId: string): Promise<NodeStore | null>;
  /** The other nodes that have listeners that are not closed, or open connections. */
  readOtherNodes(): Promise<readonly string[]>;
  /** Calls back with a new head when another node appended. Returns a function that ends it. */
  onForeignAppend(callback: (headSeq: number) => void): () => void;
  /** Lets the log's own time go on. */
  age(ageing: LogAgeing): Promise<LogAge>;
  /**
   * Deletes a bounded piece of what is older than `before`, or beyond the newest `eventsMax` events or `bytesMax`
   * bytes, whole events from the oldest on, with the connections whose closed event goes and closed listeners of no
   * more events. Age and bytes are known at the marks of `age`, and guessed in between. Resolves with the bounds, and
   * whether there is more to delete.
   */
  purge(request: PurgeRequest): Promise<LogBounds & { readonly hasMore: boolean }>;
  ping(): Promise<void>;
}

/** A listener as the data plane is asked to bind it. */
export interface Binding extends ListenerSpec, ListenerSecrets {
  readonly listenerId: string;
}

export interface Bound {
  readonly laddr: Address;
  readonly sockets: readonly ListeningSocket[];
}

/** Makes what a TLS listener needs: checks a given pair, or makes a self-signed one. */
export interface Certificates {
  /** @throws invalid_argument for PEM that does not parse, or a key of another certificate */
  prepare(tls: NewTls, host: string): Promise<{ settings: TlsSettings; key: string }>;
}

export interface WorkerStatus {
  readonly pid: number;
  readonly listeners: number;
  readonly openConnections: number;
  /** How often a worker in this place was lost and replaced. */
  readonly restarts: number;
}

/**
 * Where a data plane tells what happened. Calls come in the order in which things happened. A worker has an id that no
 * other has, before or after it, on this host or another; its pid is only told.
 */
export interface DataPlaneEvents {
  /** Resolve it once all is committed: then the worker may send more. */
  onRecords(workerId: string, records: readonly WorkerRecord[]): Promise<void>;
  /** The worker is gone, all that it reported has been passed on; its connections are no more. */
  onWorkerLost(workerId: string): void;
  /** A listener's sockets changed: bound again by a new worker; or not, and then it is open here no more. */
  onRebound(listenerId: string, outcome: Bound | ListenerReason): void;
}

/** The echo sockets. */
export interface DataPlane {
  /**
   * Binds, and holds back what arrives until `serve`.
   * @throws port_in_use (owner foreign), invalid_argument (an address that is not ours), permission_denied,
   *   resource_exhausted, unavailable
   */
  open(binding: Binding): Promise<Bound>;
  serve(listenerId: string): Promise<void>;
  update(
    listenerId: string,
    change: { readonly limits: ListenerLimits; readonly faults: readonly Fault[] },
  ): Promise<void>;
  /**
   * Stops listening at once; gives connections `drainMs` to end by themselves, then closes them with the
   * reason. Resolves when the port is free and all its records have been passed on. Idempotent.
   */
  close(listenerId: string, options: { drainMs: number; reason: CloseReason }): Promise<void>;
  /** Resolves when the worker has begun it; a connection or a worker that is gone is no error. */
  closeConnection(
    place: { readonly workerId: string; readonly connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void>;
  status(): readonly WorkerStatus[];
}
