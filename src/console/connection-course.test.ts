import { expect, test } from 'vitest';
import { connectionView, eventView } from '../../test/support/console-views.ts';
import { courseOf, longestSilenceMs } from './connection-course.ts';

const at = (second: string) => `2026-11-24T03:00:${second}Z`;
const connection = connectionView(1, {
  state: 'closed',
  acceptedAt: at('00.000000'),
  firstByteAt: at('00.001200'),
  lastByteAt: at('01.000000'),
  halfClosedAt: at('03.004000'),
  closedAt: at('03.006000'),
});

test('each step has its time since the accept, and the seq of its event where it has one', () => {
  const events = [
    eventView(48_101, { type: 'connection_opened', connection }),
    eventView(48_151, { type: 'connection_closed', connection }),
  ];
  expect(
    courseOf(connection, events).map(({ name, afterMs, seq }) => [name, afterMs, seq]),
  ).toEqual([
    ['accepted', 0, 48_101],
    ['firstByte', 1.2, null],
    ['lastByte', 1000, null],
    ['fin', 3004, null],
    ['closed', 3006, 48_151],
  ]);
});

test('what has not happened is no step', () => {
  const quiet = connectionView(1, { acceptedAt: at('00.000000') });
  expect(courseOf(quiet, []).map(({ name }) => name)).toEqual(['accepted']);
});

test('the longest silence that is known lies before the first byte or behind the last one', () => {
  expect(longestSilenceMs(connection, at('59.000000'))).toBe(2006);
  const open = { ...connection, closedAt: null, lastByteAt: at('05.000000') };
  expect(longestSilenceMs(open, at('10.000000'))).toBe(5000);
  const late = { ...connection, firstByteAt: at('02.900000'), lastByteAt: at('02.900000') };
  expect(longestSilenceMs(late, at('59.000000'))).toBe(2900);
  const silent = connectionView(1, { acceptedAt: at('00.000000') });
  expect(longestSilenceMs(silent, at('07.000000'))).toBe(7000);
});
