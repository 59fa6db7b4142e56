/** Who is there of the nodes, and what is on record as living on one. */
import type { Connection } from './connection.ts';
import type { Listener, ListenerSecrets } from './listener.ts';
import type { SizedPageRequest } from './page.ts';
import type { ProjectRef } from './project.ts';
import type { Micros } from './time.ts';
import type { Writer } from './writer.ts';

/** What is on record as living on a node. */
export interface NodeContents {
  /** The node's listeners that are not closed, of all projects, in id order; none is the end. */
  readListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]>;
  /** Those that ended since then, of all projects, in the order of their ends: the last so many. */
  readEnded(since: Micros, limit: number): Promise<readonly Listener[]>;
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

/** How a node is, for who wants something of it. */
export type Whereabouts =
  /** A process has its place. */
  | 'there'
  /** Built into a process that is gone. */
  | 'gone'
  /** On a host that nobody hears of, and that serves on. */
  | 'disconnected'
  /** Its connections are closed on record. */
  | 'lost';

/** Who is there. Of the nodes, `own` is this process's. */
export interface Nodes {
  /**
   * Takes the own node: no append of an earlier process with its id can land any more. One that holds no echo sockets has
   * a place, and is no node for others to see.
   */
  takeOwn(holdsSockets?: boolean): Promise<TakenNode>;
  /** As far as the database can tell. @throws not_found */
  whereIs(nodeId: string): Promise<Whereabouts>;
  /**
   * Takes another node that is not there, and was not for a while; null when it is. Where it was only unreachable it
   * can not append any more, and what it holds is another's to tell until it takes itself again.
   */
  takeOver(nodeId: string): Promise<TakenNode | null>;
  /** The other nodes that are built into a process and have listeners that are not closed, or open connections. */
  others(): Promise<readonly string[]>;
}
