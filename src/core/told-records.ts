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
  readonly #audited: ToldPiece[] = [];

  /** One that somebody asked for is appended by itself, so that it is on record with that or not at all. */
  event(project: ProjectRef, event: EventDraft, audit: AuditEntry | null): void {
    if (audit === null) this.#of(project).events.push(event);
    else this.#audited.push({ project, events: [event], counters: [], audit: [audit] });
  }

  counters(project: ProjectRef, counters: Counters): void {
    this.#of(project).counters.push(counters);
  }

  #of(project: ProjectRef): Told {
    const told = this.#told.get(project) ?? { project, events: [], counters: [] };
    this.#told.set(project, told);
    return told;
  }

  /** In their order: an end comes after what it ends. */
  get pieces(): readonly ToldPiece[] {
    const told = [...this.#told.values()].map((one) => ({ ...one, audit: [] }));
    return [...told, ...this.#audited];
  }
}
