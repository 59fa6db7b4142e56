import { expect, test } from 'vitest';
import { eventView } from '../../test/support/console-views.ts';
import { acceptedLastMinute } from './rates.ts';

const at = (seq: number, second: number, listenerId: string, type = 'connection_opened') =>
  eventView(seq, {
    listenerId,
    type: type as 'connection_opened',
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  });

test('what was accepted in the last minute of the log is counted by listener', () => {
  const events = [
    at(1, 0, 'a'),
    at(2, 10, 'a'),
    at(3, 20, 'b'),
    at(4, 30, 'a', 'connection_closed'),
    at(5, 65, 'a'),
  ];
  expect(acceptedLastMinute(events)).toEqual(
    new Map([
      ['a', 2],
      ['b', 1],
    ]),
  );
  expect(acceptedLastMinute([])).toEqual(new Map());
});
