/**
 * What the fleet needs of the database. All methods throw `unavailable` when it is away; each names what else it throws.
 */
import type { AuditEntry } from '../core/audit.ts';
import type { PageItems, PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { KnownNode } from './admission.ts';
import type { JoinToken } from './join-token.ts';
import type { Node, NodeState } from './node.ts';

/** An entry that is made of what the change turned out to be. */
export type AuditOf<Thing> = (before: Thing | null, after: Thing | null) => AuditEntry;

export interface NodeQuery {
  /** Its own and the shared ones; null: all. */
  readonly project: ProjectRef | null;
  /** Without a state, removed ones are left out. */
  readonly state: NodeState | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NodeChange {
  readonly labels?: Readonly<Record<string, string>>;
  readonly cordoned?: boolean;
  readonly lostAfterMs?: number;
}

export interface NodeRows {
  /** By id, or by the name of one that is not removed: the project's own before a shared one; null: of any project. */
  find(project: ProjectRef | null, idOrName: string): Promise<Node | null>;
  /** In the order in which they joined; the page key is a number. */
  list(query: NodeQuery, page: PageRequest): Promise<PageItems<Node>>;
  /** @throws not_found */
  update(ref: number, change: NodeChange, audit: AuditOf<Node>): Promise<Node>;
  /** Its key is void and its name free from now on. @throws not_found */
  remove(ref: number, now: Micros, audit: AuditOf<Node>): Promise<Node>;
}

export interface TokenToStore extends JoinToken {
  readonly project: ProjectRef;
  readonly digest: Buffer;
}

/** A node that joins by a token. */
export interface NodeToJoin {
  readonly id: string;
  readonly digest: Buffer;
  readonly publicKey: Buffer;
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly now: Micros;
}

export interface JoinTokenRows {
  /** @throws resource_exhausted (the project's quota, or `max`) */
  create(token: TokenToStore, max: number, audit: AuditOf<JoinToken>): Promise<JoinToken>;
  /** Null where there is none of the project. */
  find(project: ProjectRef, id: string): Promise<JoinToken | null>;
  /** Newest first; the page key is an id. */
  list(project: ProjectRef, page: PageRequest): Promise<PageItems<JoinToken>>;
  /** @throws not_found */
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
    limits: { readonly nodesMax: number; readonly projectNodesMax: number },
    audit: (node: Node) => AuditEntry,
  ): Promise<KnownNode>;
  /** Deletes at most `limit` that ended before; resolves with whether there may be more. */
  purge(before: Micros, limit: number): Promise<boolean>;
}
