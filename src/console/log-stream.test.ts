/** A log that is cut again and again, as a browser reads it. */
import { expect, test } from 'vitest';
import { eventView } from '../../test/support/console-views.ts';
import { CallFailure, type Query } from './api.ts';
import { type FollowLog, followLog, type LogItem } from './log-stream.ts';

const at = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

type Body = ReadableStream<Uint8Array>;

/** As a browser has it: who aborts the request gets an error from its body. */
function bodyOf(text: string, end: 'closed' | 'cut' | 'open') {
  return (signal: AbortSignal): Body => {
    const bytes = new TextEncoder().encode(text);
    let sent = 0;
    return new ReadableStream({
      start(controller) {
        const fail = () => controller.error(new DOMException('aborted', 'AbortError'));
        signal.addEventListener('abort', fail);
      },
      async pull(controller) {
        // In pieces that end anywhere, within a character too.
        if (sent < bytes.length) controller.enqueue(bytes.slice(sent, sent + 7));
        else if (end === 'closed') controller.close();
        else if (end === 'cut') controller.error(new TypeError('network error'));
        else await at(signal);
        sent += 7;
      },
    });
  };
}

const line = (seq: number) => `${JSON.stringify({ seq, event: eventView(seq, {}) })}\n`;
const synced = (seq: number) => `${JSON.stringify({ seq, synced: {} })}\n`;
const heartbeat = (seq: number) => `${JSON.stringify({ seq, heartbeat: {} })}\n`;

/** Follows what `bodies` give, one after the other, until `count` events and marks have come. */
async function follow(
  bodies: (() => (signal: AbortSignal) => Body)[],
  isDone: (items: readonly LogItem[]) => boolean,
  given: Partial<FollowLog> = {},
) {
  const starts: Query[] = [];
  const items: LogItem[] = [];
  const end = new AbortController();
  const options: FollowLog = {
    async open(start, signal) {
      const body = bodies[starts.length];
      starts.push(start);
      if (body === undefined) throw new TypeError('asked once too often');
      return body()(signal);
    },
    start: { last: 100 },
    head: async () => 0,
    backlogMax: 1000,
    signal: end.signal,
    shown: async () => undefined,
    hidden: at,
    delay: async () => undefined,
    ...given,
  };
  for await (const item of followLog(options)) {
    items.push(item);
    if (!isDone(items)) continue;
    end.abort();
    break;
  }
  const seqs = items.flatMap((item) =>
    item.kind === 'events' ? item.events.map(({ seq }) => seq) : [],
  );
  return { starts, items, seqs, kinds: items.map(({ kind }) => kind) };
}

const hasSeq = (seq: number) => (items: readonly LogItem[]) =>
  items.some((item) => 'seq' in item && item.seq >= seq);

test('it is resumed after the last seq that has come whole, a heartbeat’s too', async () => {
  const half = line(3).slice(0, 20);
  const { starts, seqs } = await follow(
    [
      () => bodyOf(line(1) + line(2) + synced(2) + half, 'cut'),
      () => bodyOf(line(3) + heartbeat(9), 'closed'),
      () => bodyOf(line(10), 'open'),
    ],
    hasSeq(10),
  );
  expect(seqs).toEqual([1, 2, 3, 10]);
  expect(starts).toEqual([{ last: 100 }, { afterSeq: 2 }, { afterSeq: 9 }]);
});

test('a problem at the end of a stream loses nothing that came before it', async () => {
  const error = `${JSON.stringify({ error: { status: 503, code: 'unavailable', detail: 'it stops' } })}\n`;
  const { starts, seqs, kinds } = await follow(
    [() => bodyOf(line(1) + error, 'closed'), () => bodyOf(line(2), 'open')],
    hasSeq(2),
  );
  expect(seqs).toEqual([1, 2]);
  expect(starts).toEqual([{ last: 100 }, { afterSeq: 1 }]);
  expect(kinds).toContain('waiting');
});

test('what is past its retention is told, and the rest goes on', async () => {
  const expired = { status: 410, code: 'cursor_expired', detail: 'it is gone', oldestSeq: 50 };
  const { starts, items } = await follow(
    [
      () => {
        throw new CallFailure(expired);
      },
      () => bodyOf(line(50), 'open'),
    ],
    hasSeq(50),
  );
  expect(items[0]).toEqual({ kind: 'expired', oldestSeq: 50 });
  expect(starts[1]).toEqual({ afterSeq: 49 });
});

test('it is resumed in the log that it was of, and begun anew where that is another one', async () => {
  const changed = { status: 410, code: 'cursor_expired', detail: 'gone', why: 'log_changed' };
  const first = `${JSON.stringify({ seq: 1, log: 'old', event: eventView(1, {}) })}\n`;
  const { starts, kinds } = await follow(
    [
      () => bodyOf(first + line(2), 'closed'),
      () => bodyOf(line(3), 'closed'),
      () => {
        throw new CallFailure({ ...changed, oldestSeq: 1, log: 'new' });
      },
      () => bodyOf(line(9), 'open'),
    ],
    hasSeq(9),
  );
  const [, ...resumed] = starts;
  const log = 'old';
  expect(resumed).toEqual([{ afterSeq: 2, log }, { afterSeq: 3, log }, { last: 100 }]);
  expect(kinds).toContain('expired');
});

test('a hidden page has no stream, and resumes when it is shown', async () => {
  const hide = new AbortController();
  let shownCount = 0;
  const { starts, seqs } = await follow(
    [() => bodyOf(line(1) + synced(1), 'open'), () => bodyOf(line(2), 'open')],
    (items) => {
      if (hasSeq(1)(items)) hide.abort();
      return hasSeq(2)(items);
    },
    {
      shown: async () => void shownCount++,
      hidden: (signal) =>
        hide.signal.aborted ? at(signal) : Promise.race([at(hide.signal), at(signal)]),
    },
  );
  expect(seqs).toEqual([1, 2]);
  expect([starts.length, shownCount]).toEqual([2, 2]);
});

test.each([
  [1000, { afterSeq: 1 }],
  [1001, { last: 100 }],
])('who comes back %j events later begins with %j', async (behind, start) => {
  const head = async () => 1 + behind;
  const { starts, kinds } = await follow(
    [() => bodyOf(line(1) + synced(1), 'closed'), () => bodyOf(line(2000), 'open')],
    hasSeq(2000),
    { head },
  );
  expect(starts).toEqual([{ last: 100 }, start]);
  expect(kinds.includes('behind')).toBe('last' in start);
});

test('of a log that was cut behind its reader no more is read than at the start', async () => {
  const expired = { status: 410, code: 'cursor_expired', detail: 'it is gone', oldestSeq: 50 };
  const { starts, kinds } = await follow(
    [
      () => {
        throw new CallFailure(expired);
      },
      () => bodyOf(line(2000), 'open'),
    ],
    hasSeq(2000),
    { head: async () => 2000 },
  );
  expect([starts[1], kinds.slice(0, 2)]).toEqual([{ last: 100 }, ['expired', 'behind']]);
});

test('at the head small pieces are let gather, and what is behind is read on, in turns', async () => {
  const many = Array.from({ length: 600 }, (_, at) => line(at + 2)).join('');
  const pieces = [line(1), synced(1), many, line(602), line(603)];
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  const body = () => (signal: AbortSignal) =>
    new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const piece = bytes.shift();
          if (piece !== undefined) controller.enqueue(piece);
          else await at(signal);
        },
      },
      { highWaterMark: 0 },
    );
  const waits: { readonly ms: number; readonly left: number }[] = [];
  const { seqs } = await follow([body], hasSeq(603), {
    delay: async (ms) => void waits.push({ ms, left: bytes.length }),
  });
  expect(seqs).toHaveLength(603);
  expect(waits).toEqual([
    { ms: 250, left: 3 },
    { ms: 0, left: 2 },
    { ms: 0, left: 2 },
    { ms: 250, left: 1 },
  ]);
});

test('who lacks a key is told so, and not asked again', async () => {
  const problem = { status: 401, code: 'unauthenticated', detail: 'a token is wanted' };
  const followed = follow(
    [
      () => {
        throw new CallFailure(problem);
      },
    ],
    () => false,
  );
  await expect(followed).rejects.toThrow('a token is wanted');
});
