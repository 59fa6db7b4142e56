/** The operations over a control plane of a test's own, for an edge by itself. */
import { Api, type ApiOptions } from '../../src/api/call.ts';
import { FailureLog } from '../../src/api/failure-log.ts';
import type { IdempotencyLimits } from '../../src/api/idempotency.ts';
import { atOnce } from '../../src/api/long-pages.ts';
import { operations } from '../../src/api/operations.ts';
import type { World } from '../../src/api/world.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { IdempotencyKeys } from '../../src/core/idempotency-keys.ts';
import type { Keys } from '../../src/core/keys.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import type { Clock, Logger } from '../../src/core/ports.ts';
import { type LeftCallLimits, LeftCalls } from '../../src/core/while-there.ts';
import { isInternal } from '../../src/grpc/status.ts';
import { keepingLogger } from './samples.ts';
import { tokenKeys } from './token-keys.ts';

export type Control = World['control'];

export interface EdgeApiOptions {
  /** Whole or in part: what is missing must not be called. */
  readonly control: Partial<Control>;
  readonly projects?: Partial<World['projects']>;
  readonly apiKeys?: Partial<World['keys']>;
  readonly audit?: Partial<World['audit']>;
  readonly nodes?: Partial<World['nodes']>;
  readonly joinTokens?: Partial<World['joinTokens']>;
  readonly idempotencyKeys?: IdempotencyKeys;
  readonly idempotency?: Partial<IdempotencyLimits>;
  readonly clock?: Clock;
  readonly keys?: Keys;
  readonly logger?: Logger;
  readonly longPages?: ApiOptions['longPages'];
  readonly callLines?: ApiOptions['callLines'];
  readonly calls?: LeftCallLimits;
}

const idempotencyLimits: IdempotencyLimits = {
  idempotencyTtlMs: 86_400_000,
  idempotencyRunTimeoutMs: 60_000,
  idempotencyKeysMax: 1000,
  idempotencyAnswerBytesMax: 1_000_000,
};

export function edgeApi(options: EdgeApiOptions): Api {
  const { clock = systemClock(), logger = keepingLogger() } = options;
  const limits = { outageLinesPerSecondMax: 5 };
  const failures = new FailureLog({ logger, limits, isInternal });
  return new Api({
    world: {
      control: expected(options.control),
      projects: expected(options.projects ?? {}),
      keys: expected(options.apiKeys ?? {}),
      audit: expected(options.audit ?? {}),
      nodes: expected(options.nodes ?? {}),
      joinTokens: expected(options.joinTokens ?? {}),
      bounds: defaultBounds,
      clock,
    },
    operations: operations(defaultBounds, { drainMsMax: 86_400_000 }),
    keys: options.keys ?? tokenKeys(null),
    rates: { take: () => undefined },
    refusals: { heard: (_, error) => error },
    longPages: options.longPages ?? { paceOf: async () => atOnce },
    callLines: options.callLines ?? { take: async () => atOnce },
    leftCalls: new LeftCalls({
      limits: options.calls ?? { leftCallsPerProjectMax: 64, leftCallsMax: 64 },
      onFailed: (error, of) => failures.tell(error, of),
    }),
    idempotency: {
      keysOf: async () => expected(options.idempotencyKeys ?? {}),
      clock,
      logger,
      limits: { ...idempotencyLimits, ...options.idempotency },
    },
  });
}

function expected<Whole extends object>(given: Partial<Whole>): Whole {
  return new Proxy({} as Whole, {
    get(_, name) {
      // What a promise resolves to is asked whether it is one.
      if (name === 'then') return undefined;
      const method: unknown = Reflect.get(given, name);
      if (typeof method === 'function') return method.bind(given);
      return () => {
        throw new Error(`the test did not expect a call of ${String(name)}`);
      };
    },
  });
}
