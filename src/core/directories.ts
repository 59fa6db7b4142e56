/** A project's listeners and connections on record, as readers ask for them; see store.ts. */
import type { CloseReason, Connection, ConnectionState } from './connection.ts';
import type { Listener, ListenerState, Protocol } from './listener.ts';
import type { PageItems, PageRequest, SizedPageRequest } from './page.ts';
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
  /** The same of the one that its PROXY header declared. */
  readonly declaredRaddr: string | null;
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

/** A project's listeners on record, closed ones too, whichever node has them. */
export interface ListenerDirectory {
  /** By id, or by the name of one that is not closed; null where there is none. */
  find(idOrName: string): Promise<Listener | null>;
  /** Of each the id, closed or not; of a name nobody has now the newest that had it at its end. Null for none. */
  findIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]>;
  findLabelledIds(request: LabelledRequest): Promise<readonly string[]>;
  /** By id, of those that are on record, closed or not. */
  findNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
  /** What its node serves now, where that is the newest generation: no event tells of it. @throws unavailable */
  observed(id: string, generation: number): Promise<void>;
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
