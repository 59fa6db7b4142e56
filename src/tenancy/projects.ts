/** What can be done with projects. All but a look at one's own is an operator's. */
import { isDeepStrictEqual } from 'node:util';
import { type Caller, defaultProject, isOperator } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { listPage, type Page, type PageAsk } from '../core/page.ts';
import type { Clock } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { type QuotaName, type QuotaUse, within } from '../core/quotas.ts';
import { auditOf } from './audited.ts';
import type { NewProject, Project, ProjectPatch } from './project.ts';
import type { KnownProject, ProjectRows, TenancyWakes } from './store.ts';

const dayMs = 86_400_000;

export interface ProjectCasesOptions {
  readonly rows: ProjectRows;
  readonly wakes: Pick<TenancyWakes, 'tellChange'>;
  /** Those that are open here. */
  readonly streamsOf: (project: ProjectRef) => number;
  /** What holds for all: the most that a project may have. */
  readonly retention: { readonly ageMs: number; readonly eventsMax: number };
  readonly clock: Clock;
  readonly makeId: () => string;
}

/** What a caller is, as it can be told: never its secret. */
export interface OwnProject extends Project {
  readonly keyId: string | null;
  readonly keyHint: string | null;
  readonly scopes: readonly string[];
}

export class ProjectCases {
  readonly #options: ProjectCasesOptions;

  constructor(options: ProjectCasesOptions) {
    this.#options = options;
  }

  /** @throws already_exists, resource_exhausted, unavailable */
  async create(caller: Caller, given: NewProject, id = this.#options.makeId()): Promise<Project> {
    const { rows, wakes, clock } = this.#options;
    caller.signal.throwIfAborted();
    const audit = this.#audit(caller, 'createProject');
    const made = await rows.create({ ...given, id }, clock.now(), audit);
    wakes.tellChange();
    return made;
  }

  /** @throws not_found, unavailable */
  async get(name: string): Promise<Project> {
    return await this.known(name);
  }

  /** Of a call that was lost after it made a project; null where it made none. */
  async made(name: string, id: string | undefined): Promise<Project | null> {
    const project = await this.#options.rows.find(name);
    return project?.id === id ? project : null;
  }

  async known(name: string): Promise<KnownProject> {
    const project = await this.#options.rows.find(name);
    if (project === null) throw noProject(name);
    return project;
  }

  /** Whose things a caller sees: an operator who names no project those of all, which is null. @throws not_found */
  async seenBy(caller: Caller): Promise<ProjectRef | null> {
    if (isOperator(caller) && !caller.isProjectNamed) return null;
    return (await this.known(caller.project)).ref;
  }

  /** The caller's own. @throws not_found, unavailable */
  async getOwn(caller: Caller): Promise<OwnProject> {
    const project = await this.known(caller.project);
    const { id: keyId, hint: keyHint } = caller.actor;
    return { ...project, keyId, keyHint, scopes: [...caller.scopes] };
  }

  /** In the order of their creation. */
  async list(ask: PageAsk): Promise<Page<Project>> {
    const { items, nextPageToken } = await listPage({ kind: 'projects' }, ask, async (page) => {
      const { items: projects, hasMore } = await this.#options.rows.list(page);
      return { hasMore, items: projects.map((project) => ({ id: `${project.ref}`, project })) };
    });
    return { items: items.map(({ project }) => project), nextPageToken };
  }

  /** @throws not_found, failed_precondition (it is being deleted), unavailable */
  async update(caller: Caller, name: string, patch: ProjectPatch): Promise<Project> {
    const updatedAt = this.#options.clock.now();
    const change = (project: KnownProject): KnownProject => {
      if (project.state === 'deleting') {
        throw new AppError('failed_precondition', `project ${name} is being deleted`);
      }
      const { displayName = project.displayName, bindHosts = project.bindHosts } = patch;
      const quotas = { ...project.quotas, ...patch.quotas };
      const changed = { ...project, displayName, bindHosts, quotas };
      return isDeepStrictEqual(changed, project) ? project : { ...changed, updatedAt };
    };
    return await this.#change(caller, 'updateProject', name, change);
  }

  /**
   * From now on its keys are refused and its streams ended; it is gone once its listeners are closed and what is on
   * record of it is deleted. Idempotent. @throws not_found, failed_precondition (the default one), unavailable
   */
  async delete(caller: Caller, name: string): Promise<Project> {
    if (name === defaultProject) {
      throw new AppError('failed_precondition', `project ${name} stays`);
    }
    const updatedAt = this.#options.clock.now();
    return await this.#change(caller, 'deleteProject', name, (project) =>
      project.state === 'deleting' ? project : { ...project, state: 'deleting', updatedAt },
    );
  }

  async #change(
    caller: Caller,
    operation: string,
    name: string,
    change: (project: KnownProject) => KnownProject,
  ): Promise<Project> {
    const { rows, wakes } = this.#options;
    caller.signal.throwIfAborted();
    const changed = await rows.update(name, change, this.#audit(caller, operation));
    wakes.tellChange();
    return changed;
  }

  /** Of the caller's project. @throws not_found, unavailable */
  async quotas(caller: Caller): Promise<readonly QuotaUse[]> {
    const { rows, retention, streamsOf } = this.#options;
    const project = await this.known(caller.project);
    const uses = await rows.uses(project);
    const bounds = new Map<QuotaName, number>([
      ['eventsKept', retention.eventsMax],
      ['retentionDays', retention.ageMs / dayMs],
    ]);
    return uses.map((use) => {
      if (use.name === 'streams') return { ...use, used: streamsOf(project.ref) };
      const bound = bounds.get(use.name);
      return bound === undefined ? use : { ...use, limit: within(use.limit, bound) };
    });
  }

  #audit(caller: Caller, operation: string) {
    return auditOf<KnownProject>({
      ...{ caller, operation, now: this.#options.clock.now(), kind: 'project' },
      project: (project) => project,
      fields: ({ displayName, state, quotas, bindHosts }) => ({
        displayName,
        state,
        bindHosts,
        ...quotas,
      }),
    });
  }
}

/** @throws permission_denied */
export function assertOperator(caller: Caller, what: string): void {
  if (isOperator(caller)) return;
  throw new AppError('permission_denied', `${what} is an operator's`, { scope: 'operator' });
}

export function noProject(name: string): AppError {
  return new AppError('not_found', `no project ${name}`);
}
