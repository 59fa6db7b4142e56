/** Which projects' logs are known to this process: the newest that were asked for, and those that somebody holds. */
import type { ProjectRef } from './project.ts';

interface Known {
  readonly isHeld: boolean;
  /** It hears of nothing any more. */
  end(): void;
}

export class KnownLogs<Log extends Known> {
  readonly #max: number;
  /** In the order in which they were asked for. */
  readonly #logs = new Map<ProjectRef, Log>();
  #newest: ProjectRef | null = null;

  constructor(max: number) {
    this.#max = max;
  }

  get(project: ProjectRef, make: () => Log): Log {
    const known = this.#logs.get(project);
    // Mostly it is the project of the call before.
    if (known !== undefined && project === this.#newest) return known;
    const log = known ?? make();
    this.#newest = project;
    this.#logs.delete(project);
    this.#logs.set(project, log);
    for (const [other, { isHeld }] of this.#logs) {
      if (this.#logs.size <= this.#max) break;
      if (!isHeld && other !== project) this.#forget(other);
    }
    return log;
  }

  find(project: ProjectRef): Log | null {
    return this.#logs.get(project) ?? null;
  }

  #forget(project: ProjectRef): void {
    this.#logs.get(project)?.end();
    this.#logs.delete(project);
  }

  end(): void {
    for (const project of [...this.#logs.keys()]) this.#forget(project);
  }
}
