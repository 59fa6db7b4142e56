import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { edgeApi } from '../../test/support/edge-api.ts';
import { operator } from '../core/caller.ts';
import { Neighbours } from '../core/neighbours.ts';
import { type CallLineLimits, CallLines } from './call-lines.ts';

const besideMs = 1000;
const limits: CallLineLimits = {
  callsPerProjectMax: 2,
  callPlaceMs: 250,
  callWaitMs: 10_000,
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Who calls is at it for a second. */
function caller(given: Partial<CallLineLimits> = {}) {
  const neighbours = new Neighbours<string>(besideMs);
  const lines = new CallLines({ ...limits, ...given }, neighbours);
  const had: string[] = [];
  const places = new Map<string, Disposable>();
  const refused: unknown[] = [];
  /** Says who has a place by now. */
  const call = async (project: string, name: string) => {
    const { signal } = new AbortController();
    neighbours.saw(project);
    void lines.take({ project, signal }).then(
      (place) => {
        places.set(name, place);
        had.push(name);
      },
      (error: unknown) => refused.push(error),
    );
    await settled();
    return [...had];
  };
  const leave = async (name: string) => {
    places.get(name)?.[Symbol.dispose]();
    await settled();
    return [...had];
  };
  return { call, leave, had, refused, lines };
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

test('who calls alone has as many calls under way as it likes', async () => {
  const { call } = caller();
  for (const name of ['1', '2', '3', '4']) await call('a', name);
  expect(await call('a', '5')).toEqual(['1', '2', '3', '4', '5']);
});

test('beside another project one has so many, the other its own, and who waits goes in order', async () => {
  const { call, leave } = caller();
  await call('b', 'b1');
  for (const name of ['1', '2', '3', '4']) await call('a', name);
  expect(await call('b', 'b2')).toEqual(['b1', '1', '2', 'b2']);
  expect((await leave('1')).at(-1)).toBe('3');
  expect((await leave('3')).at(-1)).toBe('4');
});

test('who was alone and is not has so many more, whatever is under way', async () => {
  const { call } = caller();
  for (const name of ['1', '2', '3']) await call('a', name);
  await call('b', 'b1');
  await call('a', '4');
  await call('a', '5');
  expect(await call('a', '6')).toEqual(['1', '2', '3', 'b1', '4', '5']);
});

test('a call that takes long makes room for the next, and leaves nothing when it ends', async () => {
  const { call, leave, had } = caller();
  await call('b', 'b1');
  for (const name of ['1', '2', '3']) await call('a', name);
  await vi.advanceTimersByTimeAsync(limits.callPlaceMs);
  expect(had).toEqual(['b1', '1', '2', '3']);
  await leave('1');
  await leave('2');
  expect(await call('a', '4')).toContain('4');
  await call('b', 'b2');
  expect(await call('a', '5')).not.toContain('5');
});

test('once the other has not called for so long there is no line any more', async () => {
  const { call } = caller();
  await call('b', 'b1');
  for (const name of ['1', '2', '3']) await call('a', name);
  await vi.advanceTimersByTimeAsync(besideMs + 1);
  for (const name of ['4', '5', '6']) await call('a', name);
  expect(await call('a', '7')).toContain('7');
});

test('who waits for too long is told so, and who goes away waits no more', async () => {
  const { call, refused, lines } = caller({ callsPerProjectMax: 1, callPlaceMs: 60_000 });
  await call('b', 'b1');
  await call('a', '1');
  await call('a', '2');
  const leaving = new AbortController();
  const left = lines
    .take({ project: 'a', signal: leaving.signal })
    .catch((error: unknown) => error);
  leaving.abort(new Error('gone'));
  expect(await left).toEqual(new Error('gone'));
  await call('b', 'b2');
  await vi.advanceTimersByTimeAsync(limits.callWaitMs);
  expect(refused).toMatchObject([
    {
      code: 'resource_exhausted',
      details: { limit: 'callsPerProjectMax', limitValue: 1, retryAfterMs: 1000 },
    },
  ]);
});

test('a call holds its place until it is answered or fails; a wait holds none', async () => {
  let held = 0;
  const seen: number[] = [];
  const look = () => {
    seen.push(held);
    return Promise.reject(new Error('not there'));
  };
  const take = async () => {
    held += 1;
    const place = new DisposableStack();
    place.defer(() => {
      held -= 1;
    });
    return place;
  };
  const api = edgeApi({
    control: { getListener: look, waitConnections: look },
    callLines: { take },
  });
  const { signal } = new AbortController();
  const caller = { ...operator, requestId: 'r', sourceIp: null, userAgent: null, signal };
  const { getListener, waitConnections } = api.operations;
  const read = () => ({ at: { id: 'a' }, input: {} });
  await expect(api.call(getListener, { caller, read })).rejects.toThrow('not there');
  const wait = () => ({ at: {}, input: waitConnections.input.parse({}) });
  await expect(api.call(waitConnections, { caller, read: wait })).rejects.toThrow('not there');
  expect(seen).toEqual([1, 0]);
  expect(held).toBe(0);
});
