/** Lets go of what is too old in the audit, and of the oldest of a project that has too much of it, in small pieces. */
import type { AuditLog } from './audit.ts';
import type { ProjectRef } from './project.ts';
import type { Micros } from './time.ts';

export interface AuditKeepingLimits {
  readonly auditAgeMs: number;
  /** Of one project, or of none. */
  readonly auditEntriesMax: number;
  /** How often they are counted: to count a million takes PostgreSQL a tenth of a second. */
  readonly auditCountIntervalMs: number;
  /** Entries of one piece. */
  readonly auditPurgeMax: number;
}

export class AuditKeeping {
  readonly #audit: AuditLog;
  readonly #limits: AuditKeepingLimits;
  /** When they are counted next, of a clock that never jumps. */
  #countAtMs = 0;

  constructor(audit: AuditLog, limits: AuditKeepingLimits) {
    this.#audit = audit;
    this.#limits = limits;
  }

  /** All that is due, by the logs' own time. @throws unavailable */
  async purge(time: Micros, projects: readonly ProjectRef[], signal: AbortSignal): Promise<void> {
    const { auditAgeMs, auditEntriesMax: entriesMax, auditPurgeMax: limit } = this.#limits;
    const before = time - auditAgeMs * 1000;
    await inPieces(signal, () => this.#audit.purge(before, limit));
    const nowMs = performance.now();
    if (nowMs < this.#countAtMs) return;
    this.#countAtMs = nowMs + this.#limits.auditCountIntervalMs;
    for (const project of [null, ...projects]) {
      await inPieces(signal, () => this.#audit.purgeExcess({ project, entriesMax }, limit));
    }
  }
}

async function inPieces(signal: AbortSignal, purge: () => Promise<boolean>): Promise<void> {
  for (let hasMore = true; hasMore && !signal.aborted; ) hasMore = await purge();
}
