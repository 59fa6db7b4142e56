import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { keepingLogger } from '../../test/support/samples.ts';
import type { Caller } from '../core/caller.ts';
import { systemClock } from '../core/clock.ts';
import { AppError, Unsettled } from '../core/errors.ts';
import { answerOnce, foundOrMade, type Run } from './idempotency.ts';
import { keyOperations } from './tenancy-operations.ts';
import type { World } from './world.ts';

type Create = ReturnType<typeof keyOperations>['createKey'];

test('a key whose commit had no answer is found by the repeat, and its name is not taken', async () => {
  const clock = systemClock();
  const store = new MemoryStore({ nodeId: 'node-1', clock });
  await store.nodes.takeOwn();
  const { createKey } = keyOperations({ pageSize: { max: 10, default: 10 } } as Parameters<
    typeof keyOperations
  >[0]);
  const made: (string | undefined)[] = [];
  const keys = {
    made: async (_: Caller, id: string) => (made.includes(id) ? { id, secret: null } : null),
    create: async (_: Caller, _wanted: unknown, id: string | undefined) => {
      if (made.length > 0) throw new AppError('already_exists', 'name: it is taken');
      made.push(id);
      throw new Unsettled('the commit had no answer');
    },
  };
  const world = { keys, clock } as unknown as World;
  const input = { name: 'ci', scopes: [], ofNoProject: false };
  const ask = async () =>
    await answerOnce(
      {
        ...{ keysOf: async () => store.idempotencyKeys, clock, logger: keepingLogger() },
        limits: {
          ...{ idempotencyTtlMs: 86_400_000, idempotencyRunTimeoutMs: 60_000 },
          ...{ idempotencyKeysMax: 10, idempotencyAnswerBytesMax: 1e6 },
        },
      },
      {
        ...{ caller: { project: 'default' }, key: 'once', scope: ['createKey'], given: input },
        run: (run: Run) =>
          createKey.run(
            world,
            {} as Caller,
            { at: {}, input } as Parameters<Create['run']>[2],
            run,
          ),
        kept: (output) => output,
      },
    );
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
  const found = { id: made[0], secret: null };
  expect(await ask()).toEqual({ output: found, isReplayed: false });
  expect(await ask()).toEqual({ output: found, isReplayed: true });
});

test.each([
  ['already_exists', 'made'],
  ['internal', 'made'],
  ['unavailable', null],
] as const)('what a lost run made just before a repeat failed as %s: %s', async (code, found) => {
  let made: string | null = null;
  const make = async () => {
    made = 'made';
    throw new AppError(code, 'it is there');
  };
  const run: Run = { ids: () => [], isResumed: true };
  const answer = await foundOrMade(run, async () => made, make).catch(() => null);
  expect(answer).toBe(found);
  made = null;
  await expect(foundOrMade({ ...run, isResumed: false }, async () => made, make)).rejects.toThrow();
});
