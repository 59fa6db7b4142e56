import { expect, test } from 'vitest';
import type { ClientWord } from './ladder.ts';
import { type JoinedRung, type RungRecord, verdictOf } from './verdict.ts';

const begun = Date.parse('2026-11-26T00:00:00Z');
const after = (ms: number) => new Date(begun + ms).toISOString();

const open: RungRecord = {
  acceptedAt: after(0),
  lastByteAt: after(1),
  closedAt: null,
  closeReason: null,
  closeInitiator: null,
  error: null,
  bytesIn: 0,
};

const closedAt = (ms: number, closeReason: RungRecord['closeReason'] = 'peer_rst'): RungRecord => ({
  ...open,
  closedAt: after(ms),
  closeReason,
  closeInitiator: closeReason?.startsWith('peer') ? 'peer' : 'server',
});

function rung(silenceMs: number, client: ClientWord, record: RungRecord | null = open): JoinedRung {
  const isBroken = client !== 'rst' && client !== 'fin';
  return { silenceMs, client, connectionId: 'id', isBroken, isUnsure: false, record };
}

const alive = [500, 1000, 2000].map((silenceMs) => rung(silenceMs, 'alive'));

test('the bracket is between the longest silence that lived and the shortest that died', () => {
  const dead = [4000, 8000].map((silenceMs) => rung(silenceMs, 'silent'));
  expect(verdictOf([...dead, ...alive], null)).toEqual({
    aliveMs: 2000,
    deadMs: 4000,
    how: 'silent',
    recordedMs: null,
    why: null,
    remarks: [],
  });
});

test('what the box ended on both sides has its time-out on record', () => {
  const ends = [2601, 2603, 2610].map((ms) => rung(4000, 'rst', closedAt(ms + 1)));
  const late = rung(3900, 'rst_on_next', closedAt(3950));
  const onNext = { ...rung(8000, 'fin', closedAt(8001, 'peer_fin')), isBroken: true };
  expect(verdictOf([...alive, late, ...ends, onNext], null)).toMatchObject({
    deadMs: 3900,
    how: 'rst',
    recordedMs: 2603,
  });
  // Of a time-out below the shortest silence that is all that is known, and it is enough.
  expect(verdictOf(ends, null)).toMatchObject({ aliveMs: null, recordedMs: 2603, why: null });
});

test('a reset on the next packet is one, whichever end spoke', () => {
  const byClient = rung(4000, 'rst_on_next');
  expect(verdictOf([...alive, byClient], null)).toMatchObject({ how: 'rst_on_next' });
  const byServer = rung(4000, 'silent', { ...closedAt(4005), lastByteAt: after(4004) });
  const found = verdictOf([...alive, byServer], null);
  expect(found).toMatchObject({ how: 'rst_on_next', recordedMs: null });
  const onlyServer = rung(4000, 'silent', closedAt(2600));
  expect(verdictOf([...alive, onlyServer], null)).toMatchObject({ how: 'silent' });
});

test('an echo of a later try is one of a new session, where the old one has no more on record', () => {
  const unsure = (bytesIn: number) => ({
    ...rung(4000, 'alive', { ...open, bytesIn }),
    isUnsure: true,
  });
  expect(verdictOf([...alive, unsure(512)], null)).toMatchObject({ deadMs: 4000, how: 'remapped' });
  expect(verdictOf([...alive, unsure(1024)], null)).toMatchObject({ aliveMs: 4000, deadMs: null });
});

test('one that died of less than another lived through is told, and is no bound', () => {
  const rungs = [rung(700, 'silent'), ...alive, rung(4000, 'silent')];
  const { aliveMs, deadMs, remarks } = verdictOf(rungs, null);
  expect([aliveMs, deadMs]).toEqual([2000, 4000]);
  expect(remarks).toEqual([expect.stringContaining('1 died of a silence')]);
  expect(verdictOf(rungs.slice(0, -1), null)).toMatchObject({ deadMs: null, how: 'none' });
});

test.each<[string, readonly JoinedRung[], RegExp]>([
  ['all live', alive, /^2\.000 s .* longer --to/],
  ['all die without a word', [rung(500, 'silent')], /^not even 0\.500 s .* shorter --from/],
  ['none was tried', [rung(500, 'unopened', null)], /could be tried/],
  ['it was a limit', [rung(500, 'rst', closedAt(300, 'idle_timeout'))], /^kodama itself .* idle_/],
])('it is no finding where %s', (_, rungs, why) => {
  expect(verdictOf(rungs, null).why).toMatch(why);
});

test('it is no finding where the connection that was never silent ended too', () => {
  const rungs = [...alive, rung(4000, 'rst', closedAt(2600))];
  expect(verdictOf(rungs, { how: 'rst', afterMs: 2600 })).toMatchObject({
    aliveMs: null,
    deadMs: null,
    how: 'none',
    why: expect.stringContaining('rst after 2.600 s'),
  });
});
