/** Callers who leave while what they asked for goes on. */
import { expect, test } from 'vitest';
import { caller } from '../../test/support/core-world.ts';
import { edgeApi } from '../../test/support/edge-api.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { rejection, sampleId, sampleListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { callerGone } from '../core/while-there.ts';

const id = sampleId(1);

/** Resets of faults, each of which waits for the gate. */
function makeWorld() {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const { idempotencyKeys } = new MemoryStore();
  const api = edgeApi({
    idempotencyKeys,
    calls: { leftCallsPerProjectMax: 2, leftCallsMax: 10 },
    control: {
      async updateFaults() {
        begun += 1;
        await gate.promise;
        return sampleListener({ id });
      },
    },
  });
  const ask = (key?: string, signal = new AbortController().signal) =>
    api.call(api.operations.resetFaults, {
      caller: { ...caller, signal },
      read: () => ({ at: { id }, input: {} }),
      key,
    });
  const askAndLeave = async (key?: string) => {
    const leaving = new AbortController();
    const [asked, before] = [rejection(ask(key, leaving.signal)), begun];
    await waitFor('its begin', () => begun > before);
    leaving.abort(callerGone());
    expect(await asked).toMatchObject({ code: 'unavailable' });
  };
  return { ask, askAndLeave, open: gate.resolve, begun: () => begun };
}

test('the key of one who has left is taken until the call has ended, and has its answer then', async () => {
  const { ask, askAndLeave, open, begun } = makeWorld();
  await askAndLeave('k');
  expect(await rejection(ask('k'))).toMatchObject({ code: 'failed_precondition' });
  open();
  const again = await waitFor('its answer', () => ask('k').catch(() => null));
  expect(again).toMatchObject({ isReplayed: true, output: { id } });
  expect(begun()).toBe(1);
});

test('of a project so many go on, and the next call is refused until they have ended', async () => {
  const { ask, askAndLeave, open } = makeWorld();
  await askAndLeave();
  await askAndLeave();
  const details = { limit: 'leftCallsPerProjectMax', limitValue: 2, retryAfterMs: 1000 };
  const refusal = { code: 'resource_exhausted', details };
  expect(await rejection(ask())).toMatchObject(refusal);
  open();
  await waitFor('their ends', () => ask().catch(() => null));
});
