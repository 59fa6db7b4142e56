/** What the connections of each project may be on this node, and what each worker is told of it: its part. */
import { hasCode } from '../core/errors.ts';
import type { ProjectLimits } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Worker } from './worker.ts';
import { shareOf } from './worker-share.ts';

type ToldWorker = Pick<Worker, 'slot' | 'request'>;

export class ProjectShares {
  readonly #workers: number;
  readonly #onFatal: (error: unknown) => void;
  /** Of projects that have a bound. */
  readonly #limits = new Map<ProjectRef, ProjectLimits>();

  constructor(options: { readonly workers: number; readonly onFatal: (error: unknown) => void }) {
    this.#workers = options.workers;
    this.#onFatal = options.onFatal;
  }

  limit(project: ProjectRef, limits: ProjectLimits | null, up: Iterable<ToldWorker>): void {
    if (limits === null) this.#limits.delete(project);
    else this.#limits.set(project, limits);
    for (const worker of up) this.#tell(worker, project);
  }

  /** Before it binds anything. */
  tellAll(worker: ToldWorker): void {
    for (const project of this.#limits.keys()) this.#tell(worker, project);
  }

  /** The first one always listens: who is refused is told by somebody. */
  hasRoom(project: ProjectRef, slot: number): boolean {
    const limits = this.#partOf(project, slot);
    return slot === 0 || limits === null || limits.maxConnections > 0;
  }

  #partOf(project: ProjectRef, slot: number): ProjectLimits | null {
    const limits = this.#limits.get(project);
    return limits === undefined ? null : shareOf(limits, slot, this.#workers);
  }

  #tell(worker: ToldWorker, project: ProjectRef): void {
    const limits = this.#partOf(project, worker.slot);
    worker.request({ kind: 'limit_project', project, limits }).catch((error: unknown) => {
      // The successor of a worker that is lost is told all.
      if (!hasCode(error, 'unavailable')) this.#onFatal(error);
    });
  }
}
