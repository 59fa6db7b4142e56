/**
 * What the fleet needs of the database. Each change writes its audit entry in its own transaction. All methods throw
 * `unavailable` when the database is away; each names what else it throws.
 */
import type { AuditEntry } from '../core/audit.ts';
import type { TakenNode } from '../core/nodes.ts';
import type { PageItems, PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Through } from '../core/recorder.ts';
import type { Micros } from '../core/time.ts';
import type { AuditOf, KnownProject } from '../tenancy/store.ts';
import type { Beat, KnownNode, NodeHello } from './admission.ts';
import type { JoinToken } from './join-token.ts';
import type { Node, NodeState } from './node.ts';
import type { PlaceableNodes } from './placements.ts';

export interface NodeQuery {
  /** Its own and the shared ones; null: all. */
  readonly project: ProjectRef | null;
  /** Without a state, removed ones are left out. */
  readonly state: NodeState | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NodeChange {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly cordoned?: boolean | undefined;
  readonly lostAfterMs?: number | undefined;
}

export interface NodeRows {
  /**
   * By id, or by the name of one that is not removed: the project's own before a shared one. For null any has its id,
   * and those of `default` and the shared ones their names, of which other projects may have the same.
   */
  find(project: ProjectRef | null, idOrName: string): Promise<Node | null>;
  /** In the order in which they joined; the page key is a number. */
  list(query: NodeQuery, page: PageRequest): Promise<PageItems<Node>>;
  /** Of a node that was found: what it holds is told as it was then. @throws not_found (it was removed meanwhile) */
  update(found: Node, change: NodeChange, audit: AuditOf<Node>): Promise<Node>;
  /**
   * Its key is void and its name free from now on.
   * @throws not_found (it was removed meanwhile); failed_precondition (it is built into a process that is up)
   */
  remove(found: Node, now: Micros, audit: AuditOf<Node>): Promise<Node>;
  /**
   * Deletes at most `limit` that were removed before, with their places in the log; not those of which a listener or a
   * connection that is open tells. Resolves with whether there may be more.
   */
  purge(before: Micros, limit: number): Promise<boolean>;
}

export interface TokenToStore extends JoinToken {
  readonly project: KnownProject;
  readonly digest: Buffer;
}

export interface TokenLimits {
  /** Of a project, those that have not ended. */
  readonly joinTokensMax: number;
  /** Those that ended too, while they are kept. */
  readonly joinTokensKeptMax: number;
}

/** A node that joins by a token. */
export interface NodeToJoin {
  readonly id: string;
  /** Of the token. */
  readonly digest: Buffer;
  readonly publicKey: Buffer;
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly now: Micros;
}

export interface JoinLimits {
  readonly nodesMax: number;
  readonly projectNodesMax: number;
}

export interface JoinTokenRows {
  /** @throws resource_exhausted (the project's quota, or a limit), not_found (the project is being deleted) */
  create(token: TokenToStore, limits: TokenLimits, audit: AuditOf<JoinToken>): Promise<JoinToken>;
  /** Null where there is none of the project. */
  find(project: ProjectRef, id: string): Promise<JoinToken | null>;
  /** Newest first; the page key is an id. */
  list(project: ProjectRef, page: PageRequest): Promise<PageItems<JoinToken>>;
  /** Idempotent. @throws not_found */
  revoke(
    project: ProjectRef,
    id: string,
    now: Micros,
    audit: AuditOf<JoinToken>,
  ): Promise<JoinToken>;
  /**
   * Takes a use, and makes the node with its `writers` row; or finds the one that this token and key made before.
   * @throws unauthenticated, resource_exhausted (nodes of the project, or of all)
   */
  join(
    node: NodeToJoin,
    limits: JoinLimits,
    audit: (node: Node, token: JoinToken) => AuditEntry,
  ): Promise<KnownNode>;
  /** Deletes at most `limit` that ended before; resolves with whether there may be more. */
  purge(before: Micros, limit: number): Promise<boolean>;
}

/** A node's place, taken for a session. */
export interface TakenSession {
  readonly ref: number;
  readonly nodeName: string;
  readonly project: ProjectRef;
  /** Every project may have listeners on it. */
  readonly isShared: boolean;
  readonly place: TakenNode;
  /** Rises with each session of the node. */
  readonly number: number;
  readonly lostAfterMs: number;
  /** The boot whose things are on record as open; null: none ever was. */
  readonly bootId: string | null;
  readonly through: Through;
  /** Of the database. */
  readonly now: Micros;
}

/** A node that was heard of, in this session. */
export interface SessionBeat extends Beat {
  readonly ref: number;
  readonly session: number;
}

/** A node that nobody has heard of for too long. */
export interface OverdueNode {
  readonly id: string;
  readonly ref: number;
  readonly name: string;
  readonly project: ProjectRef;
  readonly isLost: boolean;
}

export interface ExpiredListener {
  readonly project: ProjectRef;
  readonly id: string;
}

export type Census = ReadonlyMap<NodeState, number>;

/** How many nodes of their own each project has that are not lost. */
export type NodeCounts = ReadonlyMap<ProjectRef, number>;

export interface SessionRows extends PlaceableNodes {
  /** A UUID that no other database has. */
  installationId(): Promise<string>;
  /** The database's clock. @throws unavailable */
  time(): Promise<Micros>;
  /** Who shows which key; null where none is on record, nor that it was removed. */
  find(nodeId: string): Promise<KnownNode | 'removed' | null>;
  /** From whoever has it. Null where it was removed. */
  take(hello: NodeHello): Promise<TakenSession | null>;
  /**
   * Told, mostly, of each session that is taken, here or elsewhere: the number of its node, and its own. Returns a
   * function that ends it.
   */
  onTaken(callback: (ref: number, session: number) => void): () => void;
  /** What an earlier boot left open is closed: from now on what is open is this one's. */
  settleBoot(session: Pick<TakenSession, 'ref' | 'number'>, bootId: string): Promise<void>;
  /** Resolves with the `lostAfterMs` of those that are written: of the others the session is another's. */
  beat(beats: readonly SessionBeat[]): Promise<ReadonlyMap<number, number>>;
  /** How many nodes on hosts of their own there are in each state. */
  census(): Promise<Census>;
  /** Whether this process won the tick: at most one does, about every `intervalMs`. */
  sweep(intervalMs: number): Promise<boolean>;
  /** Those of which nothing was heard for `missedSweeps`, which become disconnected; and how many there are. */
  overdue(
    missedSweeps: number,
    intervalMs: number,
  ): Promise<{ readonly nodes: readonly OverdueNode[]; readonly counts: NodeCounts }>;
  /** False of one that is not there. */
  isCordoned(nodeId: string): Promise<boolean>;
  /** Listeners of nodes that are not connected whose time is over, at most so many. */
  expired(now: Micros, limit: number): Promise<readonly ExpiredListener[]>;
  /** Nodes that were removed before that, and of which something is open on record still, at most so many. */
  unended(before: Micros, limit: number): Promise<readonly string[]>;
  /** Unless it is back. */
  markLost(ref: number): Promise<void>;
}

/** A command on its way, as text. */
export interface PostedCommand {
  readonly id: string;
  readonly nodeId: string;
  readonly project: ProjectRef;
  readonly text: string;
  /** How long somebody still waits. */
  readonly restMs: number;
}

export interface CommandRows {
  post(command: PostedCommand): Promise<void>;
  /** Those that wait for an answer of these nodes, the oldest first. */
  waiting(nodeIds: readonly string[], limit: number): Promise<readonly PostedCommand[]>;
  answer(id: string, text: string): Promise<void>;
  /** Of those that are answered, by id. */
  answers(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Nobody waits for it any more. */
  remove(id: string): Promise<void>;
  /** Told that there may be commands, or answers. Returns a function that ends it. */
  onWake(callback: () => void): () => void;
}

export interface FleetStore {
  readonly nodeRows: NodeRows;
  readonly joinTokens: JoinTokenRows;
  readonly sessions: SessionRows;
  readonly commands: CommandRows;
}
