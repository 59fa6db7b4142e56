/**
 * Who looks at the page: the project whose things are shown, what the key may do, and how much of its quotas is used.
 * Where a read fails nothing is known, and is asked for again once the status was read: the log tells of the failure.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Shown } from '../http/resources.ts';
import type {
  ownProjectResource,
  projectResource,
  quotaResource,
} from '../http/tenancy-resources.ts';
import { type Api, CallFailure } from './api.ts';

export type OwnProjectView = Shown<typeof ownProjectResource>;
export type ProjectView = Shown<typeof projectResource>;
export type QuotaView = Shown<typeof quotaResource>;
export type Scope = OwnProjectView['scopes'][number];

/** Of those among which an operator may choose. */
const projectsMax = 1000;

export interface PageCallerOptions {
  readonly api: Api;
  readonly project: ReadonlySignal<string | null>;
  /** Changes with each status that is read. */
  readonly status: ReadonlySignal<unknown>;
}

export class PageCaller implements Disposable {
  readonly own: Signal<OwnProjectView | null> = signal(null);
  /** Of an operator: those that there are. */
  readonly projects: Signal<readonly ProjectView[]> = signal([]);
  /** Those that have a limit. */
  readonly quotas: Signal<readonly QuotaView[]> = signal([]);
  /** Whether keys or projects are in use at all: who is alone with a kodama need not know of them. */
  readonly isHosted: ReadonlySignal<boolean>;
  /** Whether the key may change nothing at all. */
  readonly isReader: ReadonlySignal<boolean>;
  readonly #api: Api;
  readonly #unwatch: readonly (() => void)[];
  #run = new AbortController();

  constructor({ api, project, status }: PageCallerOptions) {
    this.#api = api;
    this.isHosted = computed(
      () => api.key.value !== null || project.value !== null || this.projects.value.length > 1,
    );
    this.isReader = computed(() => isForReading(this.own.value?.scopes ?? null));
    const restart = effect(() => {
      void [api.session.value, project.value];
      this.#run.abort();
      this.#run = new AbortController();
      this.own.value = null;
      this.quotas.value = [];
    });
    const refresh = effect(() => {
      if (status.value !== null && !api.isKeyWanted.value) void this.refresh();
    });
    this.#unwatch = [restart, refresh];
  }

  [Symbol.dispose](): void {
    for (const end of this.#unwatch) end();
    this.#run.abort();
  }

  may(scope: Scope): boolean {
    return this.own.value?.scopes.includes(scope) === true;
  }

  /** Until it is known what the key may do, nothing is: a control is not taken away from whoever may use it. */
  lacks(scope: Scope): boolean {
    return this.own.value !== null && !this.may(scope);
  }

  /** What is not known yet, and what changes by itself. */
  async refresh(): Promise<void> {
    const { signal: run } = this.#run;
    try {
      const own =
        this.own.peek() ?? (await this.#api.get<OwnProjectView>('/v1/projects/self', {}, run));
      if (this.own.peek() === null) await this.#know(own, run);
      if (Object.values(own.quotas).some((limit) => limit !== null)) await this.#readQuotas(run);
    } catch (error) {
      const isGivenUp = error instanceof DOMException && error.name === 'AbortError';
      if (!isGivenUp && !(error instanceof CallFailure)) throw error;
    }
  }

  async #know(own: OwnProjectView, run: AbortSignal): Promise<void> {
    this.own.value = own;
    if (!this.may('operator')) {
      this.projects.value = [];
      return;
    }
    const query = { pageSize: projectsMax };
    const { projects } = await this.#api.get<{ readonly projects: readonly ProjectView[] }>(
      '/v1/projects',
      query,
      run,
    );
    this.projects.value = projects;
  }

  async #readQuotas(run: AbortSignal): Promise<void> {
    const { quotas } = await this.#api.get<{ readonly quotas: readonly QuotaView[] }>(
      '/v1/quotas',
      {},
      run,
    );
    this.quotas.value = quotas.filter(({ limit }) => limit !== null);
  }
}

/** Of a key that is not known yet nothing is said. */
export function isForReading(scopes: readonly Scope[] | null): boolean {
  return scopes?.every((scope) => scope.endsWith(':read')) === true;
}

/** The quota of which the largest part is used. */
export function fullest(quotas: readonly QuotaView[]): QuotaView | null {
  const parts = quotas.flatMap((quota) => {
    const part = usedPart(quota);
    return part === null ? [] : { quota, part };
  });
  return parts.toSorted((a, b) => b.part - a.part)[0]?.quota ?? null;
}

/** From 0 to 1, where something is refused; null of what is not counted, and where the oldest just go. */
export function usedPart({ name, limit, used }: QuotaView): number | null {
  if (limit === null || used === null || name === 'eventsKept') return null;
  return limit === 0 ? 1 : Math.min(1, used / limit);
}
