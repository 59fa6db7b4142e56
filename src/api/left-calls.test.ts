/** Callers who leave while what they asked for goes on. */
import { expect, test } from 'vitest';
import { caller } from '../../test/support/core-world.ts';
import { edgeApi } from '../../test/support/edge-api.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { keepingLogger, rejection, sampleId, sampleListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';
import { callerGone } from '../core/while-there.ts';

const id = sampleId(1);

/** Resets of faults, each of which waits for the gate. */
function makeWorld() {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const { idempotencyKeys } = new MemoryStore();
  const logger = keepingLogger();
  const api = edgeApi({
    idempotencyKeys,
    logger,
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
  const { resolve: open, reject: fail } = gate;
  return { ask, askAndLeave, open, fail, begun: () => begun, lines: logger.lines };
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

test('a bug behind a caller who has left is logged, once', async () => {
  const { ask, askAndLeave, fail, lines } = makeWorld();
  await askAndLeave();
  const stays = rejection(ask());
  const bug = new Error('the very cause');
  fail(bug);
  expect(await stays).toBe(bug);
  const fields = { requestId: caller.requestId, route: 'resetFaults', err: bug };
  await waitFor('its line', () => lines.length > 0);
  // Whoever waits is told by the edge, which logs it.
  expect(lines).toEqual([{ level: 'error', message: 'a request failed', fields }]);
});

test('what fails otherwise behind a caller who has left is nobody\u2019s', async () => {
  const { ask, askAndLeave, fail, lines } = makeWorld();
  await askAndLeave();
  const stays = rejection(ask());
  fail(new AppError('unavailable', 'away'));
  await stays;
  expect(lines).toEqual([]);
});
