/** How many calls the keys of each project may make here in a second, with room for a second's worth at once. */
import type { Caller } from './caller.ts';
import type { Projects } from './projects.ts';
import { quotaReached } from './quotas.ts';
import { TokenBucket } from './token-bucket.ts';

interface Running {
  readonly perSecond: number;
  readonly bucket: TokenBucket;
}

export class RequestRates {
  readonly #projects: Pick<Projects, 'termsFor'>;
  readonly #monotonicMs: () => number;
  /** By project. */
  readonly #running = new Map<string, Running>();

  /** The clock never jumps. */
  constructor(projects: Pick<Projects, 'termsFor'>, monotonicMs = () => performance.now()) {
    this.#projects = projects;
    this.#monotonicMs = monotonicMs;
  }

  /** A call of an operator is none of the project's. @throws resource_exhausted */
  take(caller: Pick<Caller, 'project' | 'actor'>): void {
    if (caller.actor.kind !== 'key') return;
    const { requestsPerSecond: perSecond } = this.#projects.termsFor(caller).quotas;
    if (perSecond === null) {
      this.#running.delete(caller.project);
      return;
    }
    const now = Math.round(this.#monotonicMs() * 1000);
    if (this.#bucketOf(caller.project, perSecond, now).take(now)) return;
    const retryAfterMs = perSecond === 0 ? undefined : Math.ceil(1000 / perSecond);
    throw quotaReached('requestsPerSecond', perSecond, 'calls a second', retryAfterMs);
  }

  #bucketOf(project: string, perSecond: number, now: number): TokenBucket {
    const running = this.#running.get(project);
    if (running?.perSecond === perSecond) return running.bucket;
    // One that is full is as good as new: so those of projects that are gone go.
    for (const [name, { bucket }] of this.#running) {
      if (bucket.isFull(now)) this.#running.delete(name);
    }
    const bucket = new TokenBucket({ perSecond, burst: perSecond }, now);
    this.#running.set(project, { perSecond, bucket });
    return bucket;
  }
}
