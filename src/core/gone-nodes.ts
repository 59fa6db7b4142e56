/**
 * What is done for nodes that are not there: their connections are closed on record as interrupted, and their listeners
 * with them, so that nothing is shown as living that is dead.
 *
 * Whoever acts for a node takes its place in the log first. Were the node there all the same, it could append no
 * more and would end; at its next start it finds what is left.
 */
import type { AuditEntry } from './audit.ts';
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import { AppError, hasCode } from './errors.ts';
import { type EventDraft, listenerEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import { isOver, type Listener } from './listener.ts';
import { eventBytes } from './log-entry.ts';
import type { TakenNode } from './nodes.ts';
import type { Clock, Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { ResourceAudit } from './resource-audit.ts';
import type { Store } from './store.ts';
import type { Micros } from './time.ts';

export interface GoneNodesOptions {
  readonly store: Pick<Store, 'of' | 'nodes' | 'projects'>;
  readonly eventLog: EventLog;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the listeners that are read at once. */
  readonly pageBytesMax: number;
}

/** Connections that are closed in one append. */
const pieceMax = 1000;
/** The same for listeners, which are as large as their callers made them. */
const pieceBytesMax = 1_048_576;
/** Another node may act for the same one at the same time. */
const attemptsMax = 3;

/** What is appended at once. */
interface Piece {
  readonly events: EventDraft[];
  readonly audit: AuditEntry[];
}

interface Place {
  readonly node: TakenNode;
  /** Of its last append. */
  number: number;
}

export class GoneNodes {
  readonly #options: GoneNodesOptions;
  /** Good until an append in one fails. */
  readonly #places = new Map<string, Place>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: GoneNodesOptions) {
    this.#options = options;
  }

  /** Idempotent. @throws failed_precondition when its node is up; unavailable */
  async closeListener(by: Caller | null, { id, nodeId, project }: Listener): Promise<void> {
    await this.#inPlaceOf(nodeId, `listener ${id}`, async (place) => {
      await this.#closeConnections(place, project, id);
      const listener = await this.#options.store.of(project).listeners.find(id);
      if (listener !== null && !isOver(listener)) await this.#closeListeners(place, by, [listener]);
    });
  }

  /** Idempotent. @throws failed_precondition when its node is up; unavailable */
  async closeConnection(
    by: Caller,
    project: ProjectRef,
    { id, nodeId }: Connection,
  ): Promise<void> {
    await this.#inPlaceOf(nodeId, `connection ${id}`, async (place) => {
      const connection = await this.#options.store.of(project).connections.find(id);
      if (connection === null || connection.state === 'closed') return;
      const closed = this.#interrupted(connection);
      const audit = [this.#options.audit.connection(by, project, closed)];
      await this.#append(place, project, { events: [closedEvent(closed)], audit });
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
          connections += await this.#closeConnections(place, project, null);
        }
        const names = await this.#closeAllListeners(place);
        logger.warn(
          { node: nodeId, connections, listeners: names },
          'let go of what another node left: no other node can use this database',
        );
      });
    }
  }

  /** One after the other: two at once would take the place from each other. */
  async #inPlaceOf(nodeId: string, what: string, work: (place: Place) => Promise<void>) {
    const done = this.#turn.then(() => this.#attempt(nodeId, what, work));
    this.#turn = done.catch(() => undefined);
    await done;
  }

  async #attempt(nodeId: string, what: string, work: (place: Place) => Promise<void>) {
    for (let attempt = 1; ; attempt += 1) {
      const place = await this.#placeOf(nodeId);
      if (place === null) {
        const message = `${what} is on node ${nodeId}, which is up: ask there`;
        throw new AppError('failed_precondition', message);
      }
      try {
        await work(place);
        return;
      } catch (error) {
        // After an append whose outcome is not known its number is not known either.
        this.#places.delete(nodeId);
        // The node is back, or another one acts for it.
        if (!hasCode(error, 'failed_precondition') || attempt === attemptsMax) throw error;
      }
    }
  }

  async #placeOf(nodeId: string): Promise<Place | null> {
    const known = this.#places.get(nodeId);
    if (known !== undefined) return known;
    const node = await this.#options.store.nodes.takeOver(nodeId);
    if (node === null) return null;
    this.#options.logger.info({ node: nodeId }, 'took the place of a node that is not there');
    const place = { node, number: 0 };
    this.#places.set(nodeId, place);
    return place;
  }

  /** Closes the connections of one listener, or all that the project has on the node; resolves to their number. */
  async #closeConnections(
    place: Place,
    project: ProjectRef,
    listenerId: string | null,
  ): Promise<number> {
    let closed = 0;
    for (let afterId: string | null = null; ; ) {
      const page = await place.node.readOpenConnections(project, afterId, pieceMax, listenerId);
      const events = page.map((connection) => closedEvent(this.#interrupted(connection)));
      await this.#append(place, project, { events, audit: [] });
      closed += page.length;
      afterId = page.at(-1)?.id ?? null;
      if (page.length < pieceMax) return closed;
    }
  }

  /** Page by page; resolves to the names of the first of them. */
  async #closeAllListeners(place: Place): Promise<readonly string[]> {
    const names: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = { pageSize: pieceMax, after, bytesMax: this.#options.pageBytesMax };
      const listeners = await place.node.readListeners(page);
      for (const { name, id } of listeners) if (names.length < pieceMax) names.push(name ?? id);
      await this.#closeListeners(
        place,
        null,
        listeners.map(({ secrets: _, ...listener }) => ({ ...listener, openConnections: 0 })),
      );
      after = listeners.at(-1)?.id ?? null;
      if (after === null) return names;
    }
  }

  #interrupted(open: Connection): Connection & { readonly closedAt: Micros } {
    const closedAt = this.#options.clock.now();
    const end = { closeInitiator: 'system', closeReason: 'interrupted', error: null } as const;
    return { ...open, ...end, state: 'closed', closedAt };
  }

  async #closeListeners(
    place: Place,
    by: Caller | null,
    listeners: readonly Listener[],
  ): Promise<void> {
    const { audit: audits } = this.#options;
    const now = this.#options.clock.now();
    const over = { state: 'closed', closedAt: now, updatedAt: now } as const;
    const end = { ...over, sockets: [], reason: null };
    for (const [project, own] of Map.groupBy(listeners, (one) => one.project)) {
      let piece: Piece = { events: [], audit: [] };
      let bytes = 0;
      for (const listener of own) {
        const revision = listener.revision + 1;
        const closed = { ...listener, ...end, revision };
        const event = listenerEvent('listener_closed', closed, by);
        bytes += eventBytes(event);
        if (bytes > pieceBytesMax) {
          await this.#append(place, project, piece);
          piece = { events: [], audit: [] };
          bytes = eventBytes(event);
        }
        piece.events.push(event);
        if (by !== null) piece.audit.push(audits.listener(by, listener, closed));
      }
      await this.#append(place, project, piece);
    }
  }

  /** This node hears of it before it answers. */
  async #append(place: Place, project: ProjectRef, { events, audit }: Piece): Promise<void> {
    if (events.length === 0) return;
    place.number += 1;
    const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
    const entry = { project, events, bytes, audit, secrets: new Map(), counters: [] };
    const firstSeqs = await place.node.append({ number: place.number, entries: [entry] });
    const firstSeq = firstSeqs.get(project) ?? 0;
    await this.#options.eventLog.of(project).learn(firstSeq + events.length - 1);
  }
}

function closedEvent(connection: Connection & { readonly closedAt: Micros }): EventDraft {
  const { closedAt: time, listenerId } = connection;
  return { type: 'connection_closed', time, listenerId, connection };
}
