/**
 * Which project a caller's name for one is, and what each may have. The names are looked up again now and then, since a
 * project may be deleted. What all may have is read with the first, at each change, and every few seconds, in case that
 * nobody told: so it is at hand wherever a quota is asked for.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Caller, defaultProject as defaultName } from './caller.ts';
import { AppError, hasCode } from './errors.ts';
import type { Logger } from './ports.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import { noTerms, type ProjectTerms, quotaReached } from './quotas.ts';
import type { ProjectDirectory } from './store.ts';

interface Known {
  readonly ref: ProjectRef;
  /** Of a clock that never jumps. */
  readonly untilMs: number;
}

type OnTerms = (project: ProjectRef, terms: ProjectTerms) => void;

const ttlMs = 10_000;

export class Projects implements AsyncDisposable {
  readonly #directory: ProjectDirectory;
  readonly #log: Pick<Logger, 'debug'>;
  readonly #onAsked: (project: ProjectRef) => void;
  /** No more than there are; the terms too. */
  readonly #known = new Map<string, Known>();
  #terms: ReadonlyMap<ProjectRef, ProjectTerms> = new Map();
  #names: ReadonlyMap<string, ProjectRef> = new Map();
  #onTerms: OnTerms = () => undefined;
  #reading: Promise<void> = Promise.resolve();
  #refresh: NodeJS.Timeout | null = null;

  /** Each one that somebody asks for is told. */
  constructor(
    directory: ProjectDirectory,
    log: Pick<Logger, 'debug'>,
    onAsked: (project: ProjectRef) => void = () => undefined,
  ) {
    this.#directory = directory;
    this.#log = log;
    this.#onAsked = onAsked;
  }

  /** Reads what all may have; from then on each change of it is told. @throws unavailable */
  async start(onTerms: OnTerms): Promise<void> {
    this.#onTerms = onTerms;
    await this.#readTerms();
    this.#refresh = setInterval(() => void this.#readLater(), ttlMs).unref();
  }

  /** @throws not_found, unavailable */
  async of(caller: Pick<Caller, 'project'>): Promise<ProjectRef> {
    const project = await this.#of(caller);
    this.#onAsked(project);
    return project;
  }

  async #of({ project: name }: Pick<Caller, 'project'>): Promise<ProjectRef> {
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
    // Nothing is done in a project before it is known what it may have.
    if (!this.#terms.has(ref)) await this.#readTerms();
    this.#known.set(name, { ref, untilMs: performance.now() + ttlMs });
    return ref;
  }

  /** What each may have, as it was last read. */
  all(): ReadonlyMap<ProjectRef, ProjectTerms> {
    return this.#terms;
  }

  /** As it was last read. */
  termsOf(project: ProjectRef): ProjectTerms {
    return this.#terms.get(project) ?? noTerms;
  }

  /** The same by its name. */
  termsFor({ project: name }: Pick<Caller, 'project'>): ProjectTerms {
    const ref = this.#names.get(name);
    return ref === undefined ? noTerms : this.termsOf(ref);
  }

  /**
   * Whether it may have so many more listeners, over all nodes. The append makes sure: this spares a bind that comes to
   * nothing. @throws resource_exhausted, unavailable
   */
  async assertListenerRoom(project: ProjectRef, more: number): Promise<void> {
    const { listeners: max } = this.termsOf(project).quotas;
    if (max === null) return;
    const count = await this.#directory.countListeners(project);
    if (count + more > max) throw quotaReached('listeners', max, 'listeners');
  }

  /** What is remembered may hold no more. */
  forget(): void {
    this.#known.clear();
    if (this.#refresh !== null) void this.#readLater();
  }

  async #readLater(): Promise<void> {
    try {
      await this.#readTerms();
    } catch (err) {
      this.#log.debug({ err }, 'could not read what projects may have; trying again later');
    }
  }

  /** One after the other: what is read later holds. */
  async #readTerms(): Promise<void> {
    const reading = this.#reading.catch(() => undefined).then(() => this.#read());
    this.#reading = reading;
    await reading;
  }

  async #read(): Promise<void> {
    const all = await this.#directory.terms();
    const before = this.#terms;
    this.#terms = new Map(all.map(({ ref, terms }) => [ref, terms]));
    this.#names = new Map(all.map(({ ref, name }) => [name, ref]));
    for (const ref of new Set([...before.keys(), ...this.#terms.keys()])) {
      const [was, now] = [before.get(ref) ?? noTerms, this.termsOf(ref)];
      if (!isDeepStrictEqual(was, now)) this.#onTerms(ref, now);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#refresh !== null) clearInterval(this.#refresh);
    this.#refresh = null;
    await this.#reading.catch(() => undefined);
  }
}
