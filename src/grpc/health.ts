/**
 * The standard health service (grpc/health/v1/health.proto): '' is the whole server. It says what `/readyz` says, of every
 * service. However many ask, the control plane is asked once in an interval.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AppError } from '../core/errors.ts';
import type { Calls, StreamWrite } from './calls.ts';

type Status = 'serving' | 'not_serving' | 'service_unknown';

interface Asked {
  readonly service?: string;
}

export interface HealthOptions {
  readonly services: readonly string[];
  /** What keeps the node from serving. */
  readonly problems: () => Promise<readonly string[]>;
  /** How old an answer may be. */
  readonly intervalMs: number;
}

export class Health {
  readonly #services: ReadonlySet<string>;
  readonly #options: HealthOptions;
  #isReady = Promise.resolve(false);
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: HealthOptions) {
    this.#services = new Set(['', ...options.services]);
    this.#options = options;
  }

  handlers(calls: Calls): UntypedServiceImplementation {
    return {
      Check: calls.unary(async ({ service = '' }: Asked) => {
        const status = await this.#status(service);
        if (status === 'service_unknown') {
          throw new AppError('not_found', `no service ${service}`);
        }
        return { status };
      }),
      Watch: calls.stream(({ service = '' }: Asked, { signal }) => this.#watch(service, signal)),
      List: calls.unary(async () => {
        const statuses: Record<string, { readonly status: Status }> = {};
        for (const one of this.#services) statuses[one] = { status: await this.#status(one) };
        return { statuses };
      }),
    };
  }

  async #status(service: string): Promise<Status> {
    if (!this.#services.has(service)) return 'service_unknown';
    const now = performance.now();
    if (now - this.#askedAt >= this.#options.intervalMs) {
      this.#askedAt = now;
      this.#isReady = this.#options.problems().then(({ length }) => length === 0);
    }
    return (await this.#isReady) ? 'serving' : 'not_serving';
  }

  async *#watch(
    service: string,
    signal: AbortSignal,
  ): AsyncGenerator<StreamWrite<{ status: Status }>, void, void> {
    let last: Status | null = null;
    while (!signal.aborted) {
      const status = await this.#status(service);
      if (status !== last) yield { message: { status } };
      last = status;
      // What ends it is told by the signal.
      await delay(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
