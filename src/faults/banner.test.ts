import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const banner = (text: string, delayMs = 0) => activeFault({ type: 'banner', text, delayMs });

test('a banner is sent before the client speaks, as UTF-8 or as the bytes of its base64', () => {
  expect(faultBench([banner('grüß dich\r\n')]).sink.written[0]?.bytes.toString()).toBe(
    'grüß dich\r\n',
  );
  const base64 = activeFault({ type: 'banner', base64: '/wABgA==', delayMs: 0 });
  expect(faultBench([base64]).sink.written[0]?.bytes).toEqual(Buffer.from([0xff, 0, 1, 0x80]));
});

test('bytes and the FIN wait behind a banner that comes later', () => {
  const { sink, pipeline, read } = faultBench([banner('hello ', 200)], { ageMs: 50 });
  read('you ');
  read('there');
  pipeline.end();
  vi.advanceTimersByTime(149);
  expect(sink.text).toBe('');
  vi.advanceTimersByTime(1);
  expect(sink.text).toBe('hello you there');
  expect(sink.ends).toEqual(['end']);
});

test('the bytes up to a close go back behind the banner', () => {
  const close = activeFault({ type: 'close', afterBytes: 3, mode: 'rst' });
  const { sink, read } = faultBench([banner('hi ', 200), close]);
  read('abcdef');
  vi.advanceTimersByTime(200);
  expect(sink.text).toBe('hi abc');
  expect(sink.ends).toEqual(['rst']);
});

test.each([
  [0, 0],
  [0, 50],
  [50, 50],
  [50, 80],
])('banners come in the order of their list and time: after %i and %i ms', (first, second) => {
  const { sink, read } = faultBench([banner('one ', first), banner('two ', second)]);
  read('echo');
  vi.advanceTimersByTime(100);
  expect(sink.text).toBe('one two echo');
});

test('other faults that stand behind it apply to it', () => {
  const { sink } = faultBench([
    banner('abcdef'),
    activeFault({ type: 'limit', bytes: 4, action: 'fin' }),
  ]);
  expect(sink.text).toBe('abcd');
  expect(sink.ends).toEqual(['fin']);
});

test('it is said once, whatever changes, and never to a living connection', () => {
  const said = banner('once ');
  const { sink, pipeline, read } = faultBench([said]);
  pipeline.replace([banner('never '), said]);
  pipeline.replace([said]);
  vi.advanceTimersByTime(100);
  read('echo');
  expect(sink.text).toBe('once echo');
});

test('one that stays is still said at its time; one that goes before is not', () => {
  const said = banner('soon ', 50);
  const stays = faultBench([said]);
  stays.read('echo');
  stays.pipeline.replace([said]);
  vi.advanceTimersByTime(50);
  expect(stays.sink.text).toBe('soon echo');
  const goes = faultBench([banner('soon ', 50)]);
  goes.read('echo');
  goes.pipeline.replace([]);
  expect(goes.sink.text).toBe('echo');
  vi.advanceTimersByTime(50);
  expect(goes.sink.text).toBe('echo');
});
