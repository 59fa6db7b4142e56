/** Which project a caller's name for one is. A project's number never changes, so it is looked up once. */
import { type Caller, defaultProject as defaultName } from './caller.ts';
import { AppError } from './errors.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { ProjectDirectory } from './store.ts';

export class Projects {
  readonly #directory: ProjectDirectory;
  /** No more than there are. */
  readonly #refs = new Map<string, ProjectRef>([[defaultName, defaultProject]]);

  constructor(directory: ProjectDirectory) {
    this.#directory = directory;
  }

  /** @throws not_found, unavailable */
  async of({ project: name }: Pick<Caller, 'project'>): Promise<ProjectRef> {
    const known = this.#refs.get(name);
    if (known !== undefined) return known;
    const ref = await this.#directory.find(name);
    if (ref === null) throw new AppError('not_found', `no project ${name}`);
    this.#refs.set(name, ref);
    return ref;
  }
}
