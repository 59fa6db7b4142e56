import { expect, test } from 'vitest';
import { connectionView, eventView } from '../../test/support/console-views.ts';
import { recentEnds, waitLine } from './recent-ends.ts';

const listenerId = '01987c5e-0000-7000-8000-000000000001';
const at = (minute: number) => `2026-11-24T03:${String(minute).padStart(2, '0')}:30.000000Z`;

function closedFor(seq: number, minute: number, closeReason: 'fault' | 'peer_fin') {
  const connection = connectionView(seq, { state: 'closed', closeReason });
  return eventView(seq, { time: at(minute), type: 'connection_closed', connection });
}

const events = [
  eventView(1, { time: at(1), connection: connectionView(1) }),
  eventView(2, { time: at(20), connection: connectionView(2) }),
  eventView(3, { time: at(33), connection: connectionView(3) }),
  closedFor(4, 33, 'peer_fin'),
  closedFor(5, 33, 'fault'),
  closedFor(6, 34, 'peer_fin'),
  eventView(7, { time: at(34), type: 'connection_opened', listenerId: 'another' }),
];

test('what a listener lately did is counted by minute and by end, and nobody else’s', () => {
  const recent = recentEnds(events, listenerId, 7);
  expect(recent.opened).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  expect(recent).toMatchObject({ openedCount: 2, refusedCount: 0 });
  expect(recent.reasons).toEqual([
    ['peer_fin', 2],
    ['fault', 1],
  ]);
});

test('at a seq of the past, what came later has not been', () => {
  expect(recentEnds(events, listenerId, 4).reasons).toEqual([['peer_fin', 1]]);
  expect(recentEnds([], listenerId, 4)).toMatchObject({ openedCount: 0, reasons: [] });
});

test('the line for CI asks for what has been seen, for faults before all', () => {
  const usual = 'http://127.0.0.1:8080';
  expect(waitLine('slow', recentEnds(events, listenerId, 7), usual, null)).toBe(
    'kodama wait slow --at-least 1 --close-reason fault --timeout 10s',
  );
  const early = recentEnds(events, listenerId, 3);
  expect(waitLine('slow', early, usual, null)).toBe('kodama wait slow --at-least 2 --timeout 10s');
  expect(waitLine('slow', early, 'https://kodama.example', 'of-others')).toBe(
    'kodama wait slow --at-least 2 --timeout 10s --url https://kodama.example --project of-others',
  );
});
