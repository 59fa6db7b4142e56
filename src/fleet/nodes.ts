/**
 * What can be done with nodes. A project sees its own and the shared ones, and of these only what it has there; shared
 * and built-in ones are an operator's to change.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '../core/caller.ts';
import { AppError, hasCode, NodeUp } from '../core/errors.ts';
import { listPage, type Page, type PageAsk } from '../core/page.ts';
import type { Clock } from '../core/ports.ts';
import { auditOf } from '../tenancy/audited.ts';
import { assertOperator, type ProjectCases } from '../tenancy/projects.ts';
import type { TenancyWakes } from '../tenancy/store.ts';
import { type Node, type ToldNode, toldNode } from './node.ts';
import type { NodeChange, NodeQuery, NodeRows } from './store.ts';

export interface NodeCasesOptions {
  readonly rows: NodeRows;
  readonly projects: Pick<ProjectCases, 'seenBy'>;
  /**
   * Ends the session of a node that is removed, and closes what it has, on record too. Idempotent.
   * @throws NodeUp, unavailable
   */
  readonly end: (by: Caller, node: Node) => Promise<void>;
  readonly wakes: Pick<TenancyWakes, 'tellChange'>;
  readonly clock: Clock;
}

export class NodeCases {
  readonly #options: NodeCasesOptions;

  constructor(options: NodeCasesOptions) {
    this.#options = options;
  }

  /** In the order in which they joined. @throws not_found, invalid_argument for another query's token, unavailable */
  async list(
    caller: Caller,
    query: Omit<NodeQuery, 'project'>,
    ask: PageAsk,
  ): Promise<Page<ToldNode>> {
    const project = await this.#options.projects.seenBy(caller);
    const asked = { kind: 'nodes', project, ...query };
    const { items, nextPageToken } = await listPage(asked, ask, async (page) => {
      const { items: nodes, hasMore } = await this.#options.rows.list({ project, ...query }, page);
      return { hasMore, items: nodes.map((node) => ({ id: `${node.ref}`, node })) };
    });
    return { items: items.map(({ node }) => toldNode(node)), nextPageToken };
  }

  /** @throws not_found, unavailable */
  async get(caller: Caller, idOrName: string): Promise<ToldNode> {
    return toldNode(await this.#find(caller, idOrName));
  }

  /** What is absent stays. @throws not_found, permission_denied, unavailable */
  async update(caller: Caller, idOrName: string, change: NodeChange): Promise<ToldNode> {
    const { rows, wakes } = this.#options;
    const node = await this.#findOwn(caller, idOrName);
    if (isSame(node, change)) return toldNode(node);
    caller.signal.throwIfAborted();
    const audit = this.#audit(caller, 'updateNode');
    const updated = await rows.update(node, change, audit);
    wakes.tellChange();
    return toldNode(updated);
  }

  /**
   * Its key is void, its session ends, and what it has is closed. Idempotent for who names its id.
   * @throws not_found, permission_denied, failed_precondition (a built-in one that is there), unavailable
   */
  async remove(caller: Caller, idOrName: string): Promise<void> {
    const { rows, end, clock } = this.#options;
    const node = await this.#findOwn(caller, idOrName);
    if (node.isBuiltIn && node.state === 'ready') throw builtInUp(node.name);
    caller.signal.throwIfAborted();
    // A built-in one may turn out to be up: it is ended first, and marked only then.
    if (node.isBuiltIn) {
      await end(caller, node).catch((error: unknown) => {
        throw error instanceof NodeUp ? builtInUp(node.name) : error;
      });
    }
    if (node.state !== 'removed') {
      const removed = rows.remove(node, clock.now(), this.#audit(caller, 'deleteNode'));
      await removed.catch((error: unknown) => {
        // Another was faster.
        if (!hasCode(error, 'not_found')) throw error;
      });
    }
    if (!node.isBuiltIn) await end(caller, node);
  }

  async #find(caller: Caller, idOrName: string): Promise<Node> {
    const project = await this.#options.projects.seenBy(caller);
    const node = await this.#options.rows.find(project, idOrName);
    if (node === null) throw noNode(idOrName);
    return node;
  }

  /** To change it. */
  async #findOwn(caller: Caller, idOrName: string): Promise<Node> {
    const node = await this.#find(caller, idOrName);
    if (node.isBuiltIn) assertOperator(caller, 'a change of a built-in node');
    if (node.shared) assertOperator(caller, 'a change of a shared node');
    return node;
  }

  #audit(caller: Caller, operation: string) {
    return auditOf<Node>({
      ...{ caller, operation, now: this.#options.clock.now(), kind: 'node' },
      project: ({ project: ref, projectName: name }) => ({ ref, name }),
      fields: auditedNode,
    });
  }
}

/** Whether the change changes nothing. */
function isSame(node: Node, change: NodeChange): boolean {
  const { labels = node.labels, cordoned = node.cordoned, lostAfterMs = node.lostAfterMs } = change;
  return isDeepStrictEqual({ ...node, labels, cordoned, lostAfterMs }, node);
}

/** The fields of a node that are told where they change. */
export function auditedNode({ name, labels, shared, cordoned, lostAfterMs, state }: Node): object {
  return { name, labels, shared, cordoned, lostAfterMs, state };
}

/** failed_precondition: of a built-in node, which is removed only once its process is gone. */
export function builtInUp(name: string): AppError {
  const message = `node ${name} is built into a process that is up: stop that first`;
  return new AppError('failed_precondition', message);
}

export function noNode(idOrName: string): AppError {
  return new AppError('not_found', `no node ${idOrName}`);
}
