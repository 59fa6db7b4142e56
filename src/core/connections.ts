/** What callers do with connections, whichever node has them: this one, another, or one that is not there. */
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import { AppError } from './errors.ts';
import type { GoneNodes } from './gone-nodes.ts';
import type { HeldNodes } from './held-nodes.ts';
import { type ConnectionAsk, chooseListeners } from './listener-choice.ts';
import type { ListenerNames, Named } from './listener-names.ts';
import type { LoopShares } from './loop-shares.ts';
import type { Own } from './named-listeners.ts';
import type { NodeCallLimits, NodeCalls } from './node-calls.ts';
import { awayRetryMs, type OtherNodes, whereItIs } from './node-command.ts';
import type { Whereabouts } from './nodes.ts';
import {
  type PageAsk,
  type PageInPieces,
  type PageRequest,
  pageKey,
  pageToken,
  readWithNext,
} from './page.ts';
import type { ProjectRef } from './project.ts';
import { whileThere } from './while-there.ts';

export interface ConnectionLimits extends NodeCallLimits {
  /** Listeners that a reader may choose by their labels. */
  readonly labelledListenersMax: number;
}

interface ConnectionsOptions {
  readonly nodes: HeldNodes;
  readonly nodeCalls: NodeCalls;
  readonly others: OtherNodes;
  readonly goneNodes: GoneNodes;
  readonly names: (project: ProjectRef) => ListenerNames;
  readonly loop: Pick<LoopShares<ProjectRef>, 'readItemsMax'>;
  readonly limits: ConnectionLimits;
}

export class Connections {
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** @throws not_found, unavailable */
  async get({ project, store }: Own, id: string): Promise<Named<Connection>> {
    const connection = await store.connections.find(id);
    if (connection === null) throw new AppError('not_found', `no connection ${id}`);
    return await this.#options.names(project).item(connection);
  }

  /** @throws not_found, resource_exhausted for its listeners; invalid_argument for another query's token; unavailable */
  async *list(
    { project, store }: Own,
    caller: Caller,
    query: ConnectionAsk,
    ask: PageAsk,
  ): PageInPieces<Named<Connection>> {
    const { names, loop, limits } = this.#options;
    const { listeners: _l, labels: _s, ...rest } = query;
    const chosen = chooseListeners(store.listeners, query, limits.labelledListenersMax);
    const listenerIds = await whileThere(caller, chosen);
    const read = (page: PageRequest) => store.connections.list({ ...rest, listenerIds }, page);
    const asked = { ...query, project: caller.project };
    let after = pageKey(ask.pageToken, asked);
    for (let left = ask.pageSize; ; ) {
      const page = { pageSize: Math.min(left, loop.readItemsMax), after };
      const { items, hasMore } = await whileThere(caller, readWithNext(page, read));
      yield await whileThere(caller, names(project).items(items));
      after = items.at(-1)?.id ?? after;
      left -= items.length;
      if (!hasMore || after === null) return { nextPageToken: null };
      if (left === 0) return { nextPageToken: pageToken(after, asked) };
    }
  }

  /**
   * Resolves with the final record; one that is closed already stays as it is, and one of a node that is not there is
   * closed as interrupted.
   * @throws not_found, unavailable
   */
  async close(
    own: Own,
    caller: Caller,
    id: string,
    mode: 'fin' | 'rst',
  ): Promise<Named<Connection>> {
    const { nodes, nodeCalls, others, goneNodes } = this.#options;
    const { project } = own;
    const connection = await this.get(own, id);
    if (connection.state === 'closed') return connection;
    const { nodeId } = connection;
    const held = nodes.get(nodeId);
    const elsewhere = async (where: Whereabouts) => {
      if (where === 'there') {
        await others.run(caller, project, nodeId, { kind: 'close_connection', id, mode });
      } else if (where === 'disconnected') {
        const message = `connection ${id} is on node ${nodeId}, which is not connected`;
        throw new AppError('unavailable', message, { retryAfterMs: awayRetryMs });
      } else await goneNodes.closeConnection(caller, project, connection);
    };
    if (held === null) await whereItIs(others, nodeId, elsewhere);
    else await nodeCalls.closeConnection(held, caller, id, mode);
    return await this.get(own, id);
  }
}
