import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionView, eventView } from '../../test/support/console-views.ts';
import type { ConnectionView } from '../http/resources.ts';
import { ConnectionRows } from './connection-rows.ts';
import { Timeline } from './timeline.ts';

const all = () => true;

function rowsOf(given: { isWanted?: (one: ConnectionView) => boolean; rowsMax?: number } = {}) {
  const timeline = new Timeline();
  const rows = new ConnectionRows({
    isWanted: all,
    isKept: all,
    isRefusalWanted: all,
    ...given,
    timeline,
  });
  return { timeline, rows };
}

function opened(seq: number, n = seq) {
  return eventView(seq, { connection: connectionView(n) });
}

function closed(seq: number, n: number) {
  const connection = connectionView(n, { state: 'closed', closeReason: 'peer_fin', bytesIn: 5 });
  return eventView(seq, { type: 'connection_closed', connection });
}

const then = (timeline: Timeline, seq: number) => ({
  ...timeline.stateAt(seq),
  timeline,
});

const fds = (rows: ReturnType<ConnectionRows['live']>) =>
  rows.map((row) => (row.kind === 'connection' ? row.connection.fd - 20 : row.event.refusal?.rule));

test('what the list told and what the log tells is one table, the newest first', () => {
  const { timeline, rows } = rowsOf();
  timeline.append([opened(1, 3), opened(2, 4)], 2);
  rows.addPage([connectionView(4), connectionView(3), connectionView(2)], false);
  rows.follow();
  timeline.append([opened(3, 5)], 3);
  rows.follow();
  expect(fds(rows.live())).toEqual([5, 4, 3, 2]);
  rows.addPage([connectionView(1)], true);
  expect(fds(rows.live())).toEqual([5, 4, 3, 2, 1]);
});

test('nothing is shown of what lies below the oldest page, which would leave a gap', () => {
  const { timeline, rows } = rowsOf();
  rows.addPage([connectionView(9), connectionView(8)], false);
  timeline.append([closed(1, 2)], 1);
  rows.follow();
  expect(fds(rows.live())).toEqual([9, 8]);
  rows.addPage([connectionView(7), connectionView(2)], false);
  const row = rows.live().at(-1);
  expect(row?.kind === 'connection' && row.connection.state).toBe('closed');
});

test('a list that was read late does not open again what has closed', () => {
  const { timeline, rows } = rowsOf();
  timeline.append([opened(1), closed(2, 1)], 2);
  rows.follow();
  rows.addPage([connectionView(1, { bytesIn: 3 })], true);
  rows.refresh([connectionView(1, { bytesIn: 4 })]);
  const [row] = rows.live();
  expect(row?.kind === 'connection' && [row.connection.state, row.connection.bytesIn]).toEqual([
    'closed',
    5,
  ]);
});

test('what does not match any more leaves the table, and was in it before', () => {
  const { timeline, rows } = rowsOf({ isWanted: ({ state }) => state === 'open' });
  rows.addPage([], true);
  timeline.append([opened(1), opened(2), closed(3, 1)], 3);
  rows.follow();
  expect(fds(rows.live())).toEqual([2]);
  expect(fds(rows.at(then(timeline, 2)))).toEqual([2, 1]);
  expect(fds(rows.at(then(timeline, 1)))).toEqual([1]);
  expect(fds(rows.at(then(timeline, 0)))).toEqual([]);
});

test('at a seq before the window each is there once, as it was then', () => {
  const { timeline, rows } = rowsOf();
  timeline.append([], 9000);
  const over = { state: 'closed', closeReason: 'peer_fin' } as const;
  const at = (seq: number) => eventView(seq, {}).time;
  rows.addPage(
    [
      // It comes behind the past window, and the next one in it.
      connectionView(40, { ...over, closedAt: at(45) }),
      connectionView(8, { ...over, closedAt: at(50) }),
      // Open from before that window to behind it, half of it, or not at all.
      connectionView(4, { ...over, closedAt: at(50), halfClosedAt: at(45) }),
      connectionView(3, { ...over, closedAt: at(50), halfClosedAt: at(5) }),
      connectionView(2, { ...over, closedAt: at(3) }),
      connectionView(1, { ...over, closedAt: at(50) }),
    ],
    true,
  );
  const past = new Timeline();
  past.append([eventView(6, { type: 'listener_created' }), opened(7), opened(8)], 20);
  past.know([connectionView(1)]);
  const states = (seq: number) =>
    rows
      .at(then(past, seq))
      .map((row) => row.kind === 'connection' && [row.connection.fd - 20, row.connection.state]);
  const before = [
    [4, 'open'],
    [3, 'half_closed'],
    [2, 'closed'],
    [1, 'open'],
  ];
  expect(states(5)).toEqual(before);
  expect(states(7)).toEqual([[7, 'open'], ...before]);
  expect(states(8)).toEqual([[8, 'open'], [7, 'open'], ...before]);
});

test('who was turned away stands between the connections of its time', () => {
  const { timeline, rows } = rowsOf();
  const at = (ms: number) => (0x01987c5e0000 + ms).toString(16);
  const id = (ms: number) => `0${at(ms).slice(0, 7)}-${at(ms).slice(7)}-7000-9000-000000000000`;
  const time = new Date(0x01987c5e0000 + 5).toISOString();
  rows.addPage([connectionView(2, { id: id(9) }), connectionView(1, { id: id(1) })], true);
  const refusal = {
    ...({ listenerName: null, protocol: 'tcp', rule: 'deny_cidrs', count: 1 } as const),
    ...{ laddr: { ip: '127.0.0.1', port: 1 }, raddr: null },
  };
  timeline.append([eventView(1, { type: 'connection_refused', time, refusal })], 1);
  rows.follow();
  expect(fds(rows.live())).toEqual([2, 'deny_cidrs', 1]);
  expect(fds(rows.at(then(timeline, 0))).includes('deny_cidrs')).toBe(false);
});

test('what is put in its place one by one is what is put in order at once', () => {
  const isWanted = ({ state }: ConnectionView) => state !== 'half_closed';
  const steps = fc.array(fc.record({ n: fc.integer({ min: 1, max: 30 }), kind: fc.nat(3) }));
  fc.assert(
    fc.property(steps, fc.nat(30), (made, floor) => {
      const { timeline, rows } = rowsOf({ isWanted, rowsMax: 12 });
      const options = { isWanted, isKept: all, isRefusalWanted: all, timeline, rowsMax: 12 };
      const late = new ConnectionRows(options);
      rows.addPage([connectionView(floor)], false);
      rows.live();
      made.forEach(({ n, kind }, at) => {
        const state = (['open', 'half_closed', 'closed', 'closed'] as const)[kind] ?? 'open';
        const event = eventView(at + 1, { connection: connectionView(n, { state }) });
        timeline.append([event], event.seq);
        rows.follow();
        rows.live();
      });
      late.addPage([connectionView(floor)], false);
      late.follow();
      if (made.length <= 12) expect(rows.live()).toEqual(late.live());
      const keys = rows.live().map(({ key }) => key);
      expect(keys).toEqual([...new Set(keys)].sort().reverse());
    }),
  );
});

test('of too many the oldest go, and it says so', () => {
  const { timeline, rows } = rowsOf({ rowsMax: 8 });
  rows.addPage([connectionView(1)], true);
  for (let n = 2; n <= 9; n++) timeline.append([opened(n)], n);
  rows.follow();
  expect(rows.live()).toHaveLength(9);
  timeline.append([opened(10)], 10);
  rows.follow();
  expect(fds(rows.live())).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);
  expect(rows.isFull).toBe(true);
});
