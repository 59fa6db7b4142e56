/** The standard health service (grpc/health/v1/health.proto): '' is the whole server. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AppError } from '../core/errors.ts';
import type { Calls, StreamWrite } from './calls.ts';

const servingStatus = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

type Status = (typeof servingStatus)[keyof typeof servingStatus];

interface Asked {
  readonly service?: string;
}

export class Health {
  readonly #services: ReadonlySet<string>;
  #isServing = false;
  readonly #watchers = new Set<() => void>();

  constructor(services: readonly string[]) {
    this.#services = new Set(['', ...services]);
  }

  setServing(isServing: boolean): void {
    this.#isServing = isServing;
    for (const wake of this.#watchers) wake();
  }

  handlers(calls: Calls): UntypedServiceImplementation {
    return {
      Check: calls.unary(async ({ service = '' }: Asked) => {
        const status = this.#status(service);
        if (status === servingStatus.SERVICE_UNKNOWN) {
          throw new AppError('not_found', `no service ${service}`);
        }
        return { status };
      }),
      Watch: calls.stream(({ service = '' }: Asked, { signal }) => this.#watch(service, signal)),
      List: calls.unary(async () => {
        const entries = [...this.#services].map((one) => [one, { status: this.#status(one) }]);
        return { statuses: Object.fromEntries(entries) };
      }),
    };
  }

  #status(service: string): Status {
    if (!this.#services.has(service)) return servingStatus.SERVICE_UNKNOWN;
    return this.#isServing ? servingStatus.SERVING : servingStatus.NOT_SERVING;
  }

  async *#watch(
    service: string,
    signal: AbortSignal,
  ): AsyncGenerator<StreamWrite<{ status: Status }>, void, void> {
    let last: Status | null = null;
    while (!signal.aborted) {
      const status = this.#status(service);
      if (status !== last) {
        last = status;
        yield { message: { status } };
      } else {
        await this.#changed(signal);
      }
    }
  }

  async #changed(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
