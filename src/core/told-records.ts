/** What a worker's records tell, by project, until it is appended. */
import type { AuditEntry } from './audit.ts';
import type { EventDraft } from './event.ts';
import type { ProjectRef } from './project.ts';
import type { Counters } from './record.ts';

/** What is appended to a project's log at once. */
export interface ToldPiece {
  readonly project: ProjectRef;
  readonly events: readonly EventDraft[];
  readonly counters: readonly Counters[];
  readonly audit: readonly AuditEntry[];
}

interface Told {
  readonly project: ProjectRef;
  readonly events: EventDraft[];
  readonly counters: Counters[];
}

export class ToldRecords {
  readonly #told = new Map<ProjectRef, Told>();
  readonly #pieces: ToldPiece[] = [];

  /** One that somebody asked for is appended by itself, so that it is on record with that or not at all. */
  event(project: ProjectRef, event: EventDraft, audit: AuditEntry | null): void {
    if (audit === null) {
      this.#of(project).events.push(event);
      return;
    }
    this.#seal(project);
    this.#pieces.push({ project, events: [event], counters: [], audit: [audit] });
  }

  counters(project: ProjectRef, counters: Counters): void {
    this.#of(project).counters.push(counters);
  }

  #of(project: ProjectRef): Told {
    const told = this.#told.get(project) ?? { project, events: [], counters: [] };
    this.#told.set(project, told);
    return told;
  }

  #seal(project: ProjectRef): void {
    const told = this.#told.get(project);
    if (told !== undefined) this.#pieces.push({ ...told, audit: [] });
    this.#told.delete(project);
  }

  /** Of each project in their order; once. */
  take(): readonly ToldPiece[] {
    for (const project of [...this.#told.keys()]) this.#seal(project);
    return this.#pieces;
  }
}
