/** A window of the past, read of an API that answers when it is told to. */
import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import { eventView } from '../../test/support/console-views.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { CallFailure } from './api.ts';
import { oldestSeqOf, PastWindow } from './past-window.ts';
import { Timeline } from './timeline.ts';

function liveOf(seq: number): Timeline {
  const timeline = new Timeline();
  timeline.append([eventView(seq, {})], seq);
  return timeline;
}

const page = (seqs: readonly number[]) => ({ events: seqs.map((seq) => eventView(seq, {})) });

function world() {
  const asked: (PromiseWithResolvers<object> & { readonly signal: AbortSignal })[] = [];
  const status = signal(0);
  const past = new PastWindow({
    api: {
      async get<Answer>(_: string, __?: object, aborted?: AbortSignal): Promise<Answer> {
        if (aborted === undefined) throw new TypeError('nobody could give it up');
        const call = { ...Promise.withResolvers<object>(), signal: aborted };
        aborted.addEventListener('abort', () => call.reject(aborted.reason));
        asked.push(call);
        return (await call.promise) as Answer;
      },
    },
    status,
  });
  return { past, asked, status };
}

const busy = new CallFailure({ status: 503, code: 'unavailable', detail: 'later' });
const gone = new CallFailure({ status: 410, code: 'cursor_expired', detail: 'it is gone' });

test('what was read is of its log, and of none that is begun anew', async () => {
  const { past, asked } = world();
  const [live, other] = [liveOf(9000), liveOf(8000)];
  const reading = past.prepare(5, live);
  asked[0]?.resolve(page([4, 5, 6]));
  await reading;
  expect(past.windowAt(5, live).headSeq).toBe(6);
  expect(past.windowAt(5, other)).toBe(other);
  void past.prepare(5, other);
  expect([asked.length, past.windowAt(5, other)]).toEqual([2, other]);
  asked[1]?.resolve(page([5]));
  await waitFor('the other log', () => past.windowAt(5, other).headSeq === 5);
});

test('what is read for a log or a seq that nobody wants any more is given up', async () => {
  const { past, asked } = world();
  const live = liveOf(9000);
  void past.prepare(5, live);
  void past.prepare(6, live);
  void past.prepare(6, liveOf(8000));
  void past.prepare(null, liveOf(8000));
  expect(asked.map((call) => call.signal.aborted)).toEqual([true, true, true]);
  expect(past.problem.value).toBe(null);
});

test('what is read anew is read to its end, however often the status comes meanwhile', async () => {
  const { past, asked, status } = world();
  const live = liveOf(9000);
  const failing = past.prepare(5, live);
  asked[0]?.reject(busy);
  await failing;
  status.value++;
  const reading = past.prepare(5, live);
  status.value++;
  void past.prepare(5, live);
  // The first of them has failed.
  expect(asked.map((call) => call.signal.aborted)).toEqual([true, false]);
  asked[1]?.resolve(page([4, 5, 6]));
  await reading;
  expect([past.windowAt(5, live).headSeq, past.problem.value]).toEqual([6, null]);
});

test('what failed is read again once the status was, unless that can not help', async () => {
  const { past, asked, status } = world();
  const live = liveOf(9000);
  for (const [at, failure] of [busy, busy, gone].entries()) {
    const reading = past.prepare(5, live);
    await past.prepare(5, live);
    expect(asked).toHaveLength(at + 1);
    asked[at]?.reject(failure);
    await reading;
    expect(past.problem.value).toBe(failure.problem);
    await past.prepare(5, live);
    expect(asked).toHaveLength(at + 1);
    status.value++;
  }
  await past.prepare(5, live);
  expect(asked).toHaveLength(3);
  await past.prepare(9000, live);
  expect(past.problem.value).toBe(null);
});

test('near the oldest event that is kept, the window begins with it', async () => {
  const { past, asked } = world();
  const live = liveOf(99_000);
  const problem = { status: 410, code: 'cursor_expired', detail: 'gone', oldestSeq: 8000 };
  const reading = past.prepare(7999, live);
  asked[0]?.reject(new CallFailure(problem));
  await waitFor('a second read', () => asked.length === 2);
  asked[1]?.resolve(page([8000, 8001]));
  await reading;
  expect([past.windowAt(7999, live).firstSeq, past.problem.value]).toEqual([8000, null]);
  const failing = past.prepare(7998, live);
  asked[2]?.reject(new CallFailure(problem));
  await failing;
  expect([asked.length, oldestSeqOf(past.problem.peek())]).toEqual([3, 8000]);
});
