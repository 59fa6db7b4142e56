/** Which project a caller's name for one is. It is looked up again now and then: a project may be deleted. */
import { type Caller, defaultProject as defaultName } from './caller.ts';
import { AppError, hasCode } from './errors.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { ProjectDirectory } from './store.ts';

interface Known {
  readonly ref: ProjectRef;
  /** Of a clock that never jumps. */
  readonly untilMs: number;
}

const ttlMs = 10_000;

export class Projects {
  readonly #directory: ProjectDirectory;
  /** No more than there are. */
  readonly #known = new Map<string, Known>();

  constructor(directory: ProjectDirectory) {
    this.#directory = directory;
  }

  /** @throws not_found, unavailable */
  async of({ project: name }: Pick<Caller, 'project'>): Promise<ProjectRef> {
    if (name === defaultName) return defaultProject;
    const known = this.#known.get(name);
    if (known !== undefined && known.untilMs > performance.now()) return known.ref;
    try {
      return await this.#lookUp(name);
    } catch (error) {
      // While the database is away the numbers are as they were.
      if (known === undefined || !hasCode(error, 'unavailable')) throw error;
      return known.ref;
    }
  }

  async #lookUp(name: string): Promise<ProjectRef> {
    const ref = await this.#directory.findRef(name);
    if (ref === null) {
      this.#known.delete(name);
      throw new AppError('not_found', `no project ${name}`);
    }
    this.#known.set(name, { ref, untilMs: performance.now() + ttlMs });
    return ref;
  }

  /** What is remembered may hold no more. */
  forget(): void {
    this.#known.clear();
  }
}
