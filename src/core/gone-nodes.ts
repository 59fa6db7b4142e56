/**
 * What is done for nodes that are not there. Of one that was built into a process that is gone, connections are closed on
 * record as interrupted, and listeners with them, so that nothing is shown as living that is dead. One on a host of its
 * own serves on: what is wished of it is put on record, and it hears of it when it comes back; where it is lost, its
 * connections are closed.
 *
 * Whoever acts for a node takes its place in the log first. Were the node there all the same, it could append no
 * more; when it comes again it finds what is left.
 */
import { AbsentPlace, type AbsentPlaceOptions, type ListenerStep } from './absent-place.ts';
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import { AppError, hasCode, NodeUp, PlaceLost } from './errors.ts';
import { isOver, type Listener } from './listener.ts';
import type { Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Store } from './store.ts';

export interface GoneNodesOptions extends AbsentPlaceOptions {
  readonly store: Pick<Store, 'of' | 'nodes' | 'projects'>;
  readonly logger: Logger;
}

/** Another process may act for the same one at the same time. */
const attemptsMax = 3;
const noNames: ReadonlyMap<ProjectRef, string> = new Map();

export class GoneNodes {
  readonly #options: GoneNodesOptions;
  /** Good until an append in one fails. */
  readonly #places = new Map<string, AbsentPlace>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: GoneNodesOptions) {
    this.#options = options;
  }

  /** Where it is still due. Idempotent. @throws NodeUp, unavailable */
  async closeListener(
    by: Caller | null,
    { id, nodeId, project }: Listener,
    isDue: (listener: Listener) => boolean,
  ): Promise<void> {
    const { listeners } = this.#options.store.of(project);
    await this.#inPlaceOf(nodeId, `listener ${id}`, async (place) => {
      const found = await listeners.find(id);
      if (found === null || !isDue(found)) return;
      await place.closeConnections(project, id, 'interrupted');
      const listener = await listeners.find(id);
      if (listener === null || isOver(listener)) return;
      await place.changeListeners([listener], this.#closing(by));
    });
  }

  #closing(by: Caller | null): ListenerStep {
    const change = () => {
      const closedAt = this.#options.clock.now();
      const end = { closedAt, updatedAt: closedAt, sockets: [], reason: null };
      return { ...end, state: 'closed', openConnections: 0 } as const;
    };
    return { type: 'listener_closed', by, change };
  }

  /**
   * Changes one whose node serves on without hearing of it; what comes of `change` may be null: nothing is to be done.
   * Resolves with the listener as it is on record then.
   * @throws what the change throws; failed_precondition when its node is up; unavailable
   */
  async changeListener(
    by: Caller | null,
    { id, nodeId, project }: Listener,
    change: (listener: Listener) => Partial<Listener> | null,
  ): Promise<Listener> {
    const { listeners } = this.#options.store.of(project);
    const find = async () => {
      const found = await listeners.find(id);
      if (found === null) throw new AppError('not_found', `no listener ${id}`);
      return found;
    };
    await this.#inPlaceOf(nodeId, `listener ${id}`, async (place) => {
      const listener = await find();
      const changed = change(listener);
      if (changed === null) return;
      await place.changeListeners([listener], {
        type: 'listener_updated',
        by,
        change: () => changed,
      });
    });
    return await find();
  }

  /** Idempotent. @throws NodeUp, unavailable */
  async closeConnection(
    by: Caller,
    project: ProjectRef,
    { id, nodeId }: Connection,
  ): Promise<void> {
    await this.#inPlaceOf(nodeId, `connection ${id}`, async (place) => {
      const connection = await this.#options.store.of(project).connections.find(id);
      if (connection === null || connection.state === 'closed') return;
      await place.closeConnection(by, project, connection, 'interrupted');
    });
  }

  /**
   * Closes all that other nodes left, for who knows that there can be none.
   * @throws unavailable
   */
  async letGo(): Promise<void> {
    const { store, logger } = this.#options;
    for (const nodeId of await store.nodes.others()) {
      await this.#inPlaceOf(nodeId, 'what is here', async (place) => {
        let connections = 0;
        for (const project of await store.projects.all()) {
          connections += await place.closeConnections(project, null, 'interrupted');
        }
        const names = await place.changeAllListeners(this.#closing(null));
        logger.warn(
          { node: nodeId, connections, listeners: names },
          'let go of what another node left: no other node can use this database',
        );
      });
    }
  }

  /**
   * Of a node on a host of its own that is lost: its connections are over, there too by now, and as far as is known here
   * nobody listens; one that was to be closed is. Of one that is removed all listeners are closed, for who removes it. Idempotent.
   * @throws NodeUp, unavailable
   */
  async lose(
    nodeId: string,
    { isRemoved, by = null }: { readonly isRemoved: boolean; readonly by?: Caller | null },
  ): Promise<void> {
    const { store, logger } = this.#options;
    // Where nothing is left to append, a place that was taken long ago would not tell that its node is back.
    if (isRemoved) this.#places.delete(nodeId);
    const reason = { code: 'node_lost', message: 'its node has not been heard of for too long' };
    await this.#inPlaceOf(nodeId, 'what is here', async (place) => {
      let connections = 0;
      for (const project of await store.projects.all()) {
        connections += await place.closeConnections(project, null, 'node_lost');
      }
      const isEnding = ({ state }: Listener) => isRemoved || state === 'draining';
      const projectNames = by === null ? noNames : await this.#projectNames();
      const closing = { ...this.#closing(by), projectNames };
      const closed = await place.changeAllListeners(closing, isEnding);
      const failing: ListenerStep = {
        type: 'listener_failed',
        by: null,
        change: () => ({ state: 'failed', sockets: [], reason }),
      };
      const failed = await place.changeAllListeners(
        failing,
        (listener) => !isEnding(listener) && listener.reason?.code !== reason.code,
      );
      const words = isRemoved ? 'a node was removed' : 'a node is lost';
      logger[isRemoved ? 'info' : 'warn']({ node: nodeId, connections, closed, failed }, words);
    });
  }

  async #projectNames(): Promise<ReadonlyMap<ProjectRef, string>> {
    const all = await this.#options.store.projects.terms();
    return new Map(all.map(({ ref, name }) => [ref, name]));
  }

  /** One after the other: two at once would take the place from each other. */
  async #inPlaceOf(nodeId: string, what: string, work: (place: AbsentPlace) => Promise<void>) {
    const done = this.#turn.then(() => this.#attempt(nodeId, what, work));
    this.#turn = done.catch(() => undefined);
    await done;
  }

  async #attempt(nodeId: string, what: string, work: (place: AbsentPlace) => Promise<void>) {
    for (let attempt = 1; ; attempt += 1) {
      const place = await this.#placeOf(nodeId);
      if (place === null) throw new NodeUp(nodeId, what);
      try {
        await work(place);
        return;
      } catch (error) {
        // After an append whose outcome is not known its number is not known either.
        this.#places.delete(nodeId);
        // The node is back, or another one acts for it.
        if (hasCode(error, 'failed_precondition') && attempt < attemptsMax) continue;
        throw error instanceof PlaceLost ? error.forCallers() : error;
      }
    }
  }

  async #placeOf(nodeId: string): Promise<AbsentPlace | null> {
    const known = this.#places.get(nodeId);
    if (known !== undefined) return known;
    const node = await this.#options.store.nodes.takeOver(nodeId);
    if (node === null) return null;
    this.#options.logger.info({ node: nodeId }, 'took the place of a node that is not there');
    const place = new AbsentPlace(node, this.#options);
    this.#places.set(nodeId, place);
    return place;
  }
}
