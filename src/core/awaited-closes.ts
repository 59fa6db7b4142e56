/** Connections that are closed, and not yet committed as such; who asked for that, and who waits until they are. */
import type { AuditEntry } from './audit.ts';
import type { Caller } from './caller.ts';
import type { EventDraft } from './event.ts';
import { Latch } from './latch.ts';
import type { ProjectRef } from './project.ts';
import type { ResourceAudit } from './resource-audit.ts';

export type CloseMode = 'fin' | 'rst';

export class AwaitedCloses {
  readonly #audit: ResourceAudit;
  readonly #committing = new Set<string>();
  readonly #waiting = new Map<string, Latch>();

  /** By connection, who asked first for either: no more than is open, twice. */
  readonly #asked = new Map<string, Map<CloseMode, Caller>>();

  constructor(audit: ResourceAudit) {
    this.#audit = audit;
  }

  /** Of one that is open. */
  ask(by: Caller, connectionId: string, mode: CloseMode): void {
    const asked = this.#asked.get(connectionId) ?? new Map<CloseMode, Caller>();
    if (!asked.has(mode)) asked.set(mode, by);
    this.#asked.set(connectionId, asked);
  }

  /** Of an end that somebody asked for; null for all else, as one that came by itself meanwhile. */
  auditOf(project: ProjectRef, event: EventDraft): AuditEntry | null {
    if (event.type !== 'connection_closed') return null;
    const { connection } = event;
    const asked = this.#asked.get(connection.id);
    if (asked === undefined) return null;
    const mode = connection.closeReason === 'operator_fin' ? 'fin' : 'rst';
    const by = asked.get(mode);
    if (by === undefined || connection.closeReason !== `operator_${mode}`) return null;
    return this.#audit.connection(by, project, connection);
  }

  begun(connectionId: string): void {
    this.#committing.add(connectionId);
  }

  isUnderWay(connectionId: string): boolean {
    return this.#committing.has(connectionId);
  }

  committed(connectionId: string): void {
    this.#committing.delete(connectionId);
    this.#asked.delete(connectionId);
    this.#waiting.get(connectionId)?.open();
    this.#waiting.delete(connectionId);
  }

  /** Resolves when it is committed, or the signal aborts. */
  async wait(connectionId: string, signal: AbortSignal): Promise<void> {
    const latch = this.#waiting.get(connectionId) ?? new Latch();
    this.#waiting.set(connectionId, latch);
    await latch.passed(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    const isLast = latch.waiting === 0 && this.#waiting.get(connectionId) === latch;
    if (isLast) this.#waiting.delete(connectionId);
  }
}
