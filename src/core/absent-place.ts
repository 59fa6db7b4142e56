/** The place of a node that is not there, taken by this process: what can be written in it, one append after the other. */
import type { AuditEntry } from './audit.ts';
import type { Caller } from './caller.ts';
import type { CloseReason, Connection } from './connection.ts';
import { type EventDraft, type ListenerEventType, listenerEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import type { Listener } from './listener.ts';
import { eventBytes } from './log-entry.ts';
import type { TakenNode } from './nodes.ts';
import type { Clock } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { ResourceAudit } from './resource-audit.ts';
import type { Micros } from './time.ts';

export interface AbsentPlaceOptions {
  readonly eventLog: EventLog;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  /** Of the listeners that are read at once. */
  readonly pageBytesMax: number;
}

/** Connections that are closed in one append. */
const pieceMax = 1000;
/** The same for listeners, which are as large as their callers made them. */
const pieceBytesMax = 1_048_576;

/** What is appended at once. */
interface Piece {
  readonly events: EventDraft[];
  readonly audit: AuditEntry[];
}

/** What becomes of a listener; who asked for it. */
export interface ListenerStep {
  readonly type: ListenerEventType;
  readonly by: Caller | null;
  /** Of listeners that may be of other projects than who asked. */
  readonly projectNames?: ReadonlyMap<ProjectRef, string>;
  readonly change: (listener: Listener) => Partial<Listener>;
}

export class AbsentPlace {
  readonly #node: TakenNode;
  readonly #options: AbsentPlaceOptions;
  /** Of its last append. */
  #number = 0;

  constructor(node: TakenNode, options: AbsentPlaceOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** Closes the connections of one listener, or all that the project has on the node; resolves to their number. */
  async closeConnections(
    project: ProjectRef,
    listenerId: string | null,
    reason: CloseReason,
  ): Promise<number> {
    let closed = 0;
    for (let afterId: string | null = null; ; ) {
      const page = await this.#node.readOpenConnections(project, afterId, pieceMax, listenerId);
      const events = page.map((connection) => closedEvent(this.#closed(connection, reason)));
      await this.#append(project, { events, audit: [] });
      closed += page.length;
      afterId = page.at(-1)?.id ?? null;
      if (page.length < pieceMax) return closed;
    }
  }

  /** One that is open, for who asks for its end. */
  async closeConnection(
    by: Caller,
    project: ProjectRef,
    connection: Connection,
    reason: CloseReason,
  ): Promise<void> {
    const closed = this.#closed(connection, reason);
    const audit = [this.#options.audit.connection(by, project, closed)];
    await this.#append(project, { events: [closedEvent(closed)], audit });
  }

  #closed(open: Connection, reason: CloseReason): Connection & { readonly closedAt: Micros } {
    const closedAt = this.#options.clock.now();
    const end = { closeInitiator: 'system', closeReason: reason, error: null } as const;
    return { ...open, ...end, state: 'closed', closedAt };
  }

  /** Of those that are not closed: page by page, so that it resolves with the names of the first of them only. */
  async changeAllListeners(
    step: ListenerStep,
    isWanted: (listener: Listener) => boolean = () => true,
  ): Promise<readonly string[]> {
    const names: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = { pageSize: pieceMax, after, bytesMax: this.#options.pageBytesMax };
      const listeners = await this.#node.readListeners(page);
      const wanted = listeners.filter(isWanted);
      for (const { name, id } of wanted) if (names.length < pieceMax) names.push(name ?? id);
      await this.changeListeners(
        wanted.map(({ secrets: _, ...listener }) => listener),
        step,
      );
      after = listeners.at(-1)?.id ?? null;
      if (after === null) return names;
    }
  }

  async changeListeners(
    listeners: readonly Listener[],
    { type, by, projectNames, change }: ListenerStep,
  ): Promise<void> {
    const { audit: audits, clock } = this.#options;
    for (const [project, own] of Map.groupBy(listeners, (one) => one.project)) {
      const asker = by && { ...by, project: projectNames?.get(project) ?? by.project };
      let piece: Piece = { events: [], audit: [] };
      let bytes = 0;
      for (const listener of own) {
        const revision = listener.revision + 1;
        const changed = { ...listener, updatedAt: clock.now(), ...change(listener), revision };
        const event = listenerEvent(type, changed, by);
        bytes += eventBytes(event);
        if (bytes > pieceBytesMax) {
          await this.#append(project, piece);
          piece = { events: [], audit: [] };
          bytes = eventBytes(event);
        }
        piece.events.push(event);
        if (asker !== null) piece.audit.push(audits.listener(asker, listener, changed));
      }
      await this.#append(project, piece);
    }
  }

  /** This process hears of it before it answers. */
  async #append(project: ProjectRef, { events, audit }: Piece): Promise<void> {
    if (events.length === 0) return;
    this.#number += 1;
    const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
    const entry = { project, events, bytes, audit, secrets: new Map(), counters: [] };
    const { eventLog } = this.#options;
    const begun = performance.now();
    const firstSeqs = await this.#node.append({ number: this.#number, entries: [entry] });
    eventLog.committed({ events, durationMs: performance.now() - begun });
    const firstSeq = firstSeqs.get(project) ?? 0;
    await eventLog.of(project).learn(firstSeq + events.length - 1);
  }
}

function closedEvent(connection: Connection & { readonly closedAt: Micros }): EventDraft {
  const { closedAt: time, listenerId } = connection;
  return { type: 'connection_closed', time, listenerId, connection };
}
