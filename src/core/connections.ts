/** What callers do with connections, whichever node has them: this one, another, or one that is not there. */
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import { AppError } from './errors.ts';
import type { GoneNodes } from './gone-nodes.ts';
import { type ConnectionAsk, chooseListeners } from './listener-choice.ts';
import type { ListenerNames, Named } from './listener-names.ts';
import type { Own } from './named-listeners.ts';
import { listPage, type Page, type PageAsk, type PageRequest, readWithNext } from './page.ts';
import type { DataPlane } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Recorder } from './recorder.ts';
import { whileThere } from './while-there.ts';

export interface ConnectionLimits {
  /** Listeners that a reader may choose by their labels. */
  readonly labelledListenersMax: number;
  /** How long who closes one waits for its end. */
  readonly closeTimeoutMs: number;
}

interface ConnectionsOptions {
  readonly nodeId: string;
  readonly recorder: Recorder;
  readonly dataPlane: DataPlane;
  readonly goneNodes: GoneNodes;
  readonly names: (project: ProjectRef) => ListenerNames;
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
  async list(
    { project, store }: Own,
    caller: Caller,
    query: ConnectionAsk,
    ask: PageAsk,
  ): Promise<Page<Named<Connection>>> {
    const { names, limits } = this.#options;
    const { listeners: _l, labels: _s, ...rest } = query;
    const chosen = chooseListeners(store.listeners, query, limits.labelledListenersMax);
    const listenerIds = await whileThere(caller, chosen);
    const read = (page: PageRequest) => store.connections.list({ ...rest, listenerIds }, page);
    const asked = { ...query, project: caller.project };
    const found = listPage(asked, ask, (page) => readWithNext(page, read));
    return await names(project).page(await whileThere(caller, found));
  }

  /**
   * Resolves with the final record; one that is closed already stays as it is, and one of a node that is not there is
   * closed as interrupted.
   * @throws not_found, failed_precondition (of another node, which is up), unavailable
   */
  async close(
    own: Own,
    caller: Caller,
    id: string,
    mode: 'fin' | 'rst',
  ): Promise<Named<Connection>> {
    const { nodeId, goneNodes } = this.#options;
    const connection = await this.get(own, id);
    if (connection.state === 'closed') return connection;
    if (connection.nodeId === nodeId) await this.#closeOwn(caller, id, mode);
    else await goneNodes.closeConnection(caller, own.project, connection);
    return await this.get(own, id);
  }

  async #closeOwn(caller: Caller, connectionId: string, mode: 'fin' | 'rst'): Promise<void> {
    const { recorder, dataPlane, limits } = this.#options;
    const signal = AbortSignal.any([caller.signal, AbortSignal.timeout(limits.closeTimeoutMs)]);
    const closed = recorder.closed(connectionId, signal);
    const workerId = recorder.workerOf(connectionId);
    if (workerId !== null) {
      recorder.askClose(caller, connectionId, mode);
      await dataPlane.closeConnection({ workerId, connectionId }, mode);
    }
    await closed;
  }
}
