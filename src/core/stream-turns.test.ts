import { expect, test } from 'vitest';
import { sampleEvent } from '../../test/support/samples.ts';
import type { NamedStreamItem } from './listener-names.ts';
import { LoopShares } from './loop-shares.ts';
import type { OldReader } from './old-reads.ts';
import { inTurns } from './stream-turns.ts';

const names = new Map();

async function* page(count: number): AsyncGenerator<NamedStreamItem, void, void> {
  const events = Array.from({ length: count }, (_, n) => ({ ...sampleEvent(), seq: n + 1 }));
  yield { kind: 'events', log: 'a', seq: count + 5, events, names };
  yield { kind: 'synced', seq: count + 5 };
}

/** Counts turns of the loop, as long as it is not disposed of. */
function loopTurns() {
  let turn = 0;
  let isCounting = true;
  const count = () => {
    turn += 1;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  return {
    now: () => turn,
    [Symbol.dispose]: () => {
      isCounting = false;
    },
  };
}

test('a long page comes in pieces, in order, and says once which log it is of', async () => {
  const loop = new LoopShares<string>({ pieceItemsMax: 10, turnMs: 0 });
  const items: NamedStreamItem[] = [];
  for await (const item of inTurns(loop, 'a', page(25), loop.oldReads.reader('a')))
    items.push(item);
  expect(items.map(({ kind, seq, log }) => [kind, seq, log])).toEqual([
    ...[
      ['events', 10, 'a'],
      ['events', 20, undefined],
      ['events', 30, undefined],
    ],
    ['synced', 30, undefined],
  ]);
  const seqs = items
    .flatMap((item) => (item.kind === 'events' ? item.events : []))
    .map((e) => e.seq);
  expect(seqs).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
});

test('a short page waits for nobody', async () => {
  const loop = new LoopShares<string>({ pieceItemsMax: 10, turnMs: 0 });
  using clock = loopTurns();
  await inTurns(loop, 'a', page(10), loop.oldReads.reader('a')).next();
  expect(clock.now()).toBe(0);
});

test('whatever many readers have to read, each turn of the loop has one piece of it', async () => {
  const loop = new LoopShares<string>({ pieceItemsMax: 10, turnMs: 0 });
  using clock = loopTurns();
  const seen: number[] = [];
  const read = async () => {
    for await (const { kind } of inTurns(loop, 'a', page(50), loop.oldReads.reader('a')))
      if (kind === 'events') seen.push(clock.now());
  };
  await Promise.all(Array.from({ length: 20 }, read));
  expect(seen).toHaveLength(100);
  expect(new Set(seen).size).toBeGreaterThan(98);
});

test('a project with many readers has no more turns than one with a single reader', async () => {
  const loop = new LoopShares<string>({ pieceItemsMax: 10, turnMs: 0 });
  const order: string[] = [];
  const read = async (project: string) => {
    for await (const { kind } of inTurns(loop, project, page(50), loop.oldReads.reader(project)))
      if (kind === 'events') order.push(project);
  };
  await Promise.all([...Array.from({ length: 30 }, () => read('many')), read('one')]);
  expect(order.filter((project) => project === 'one')).toHaveLength(5);
  // Its five pieces stand among the first ones, each behind one of the other project's.
  expect(order.lastIndexOf('one')).toBeLessThan(12);
});

test('an old piece that was read beside another project waits for its turn, however short', async () => {
  const limits = { pieceItemsMax: 10, turnMs: 0, restMs: 0, besideMs: 3_600_000 };
  const loop = new LoopShares<string>(limits);
  for (const project of ['a', 'b']) loop.neighbours.saw(project);
  using old = loop.oldReads.reader('a');
  await old.read(1000, async () => undefined, new AbortController().signal);
  using clock = loopTurns();
  const items = inTurns(loop, 'a', page(3), old);
  expect(await items.next()).toMatchObject({ value: { seq: 8, events: { length: 3 } } });
  expect(clock.now()).toBeGreaterThan(0);
});

test.each(['synced', 'heartbeat'] as const)(
  'a stream whose filter left out all that it read has no place at its %s',
  async (kind) => {
    const limits = { pieceItemsMax: 10, oldPiecesPerProjectMax: 2, turnMs: 0, restMs: 0 };
    const loop = new LoopShares<string>({ ...limits, besideMs: 3_600_000 });
    for (const project of ['a', 'b']) loop.neighbours.saw(project);
    const { signal } = new AbortController();
    const read = async () => 'read';
    async function* filtered(old: OldReader<string>) {
      await old.read(1000, read, signal);
      yield { kind, seq: 1000 };
    }
    const open = [1, 2].map(() => {
      const old = loop.oldReads.reader('a');
      return inTurns(loop, 'a', filtered(old), old);
    });
    for (const one of open) expect(await one.next()).toMatchObject({ value: { kind } });
    // Were there no place, it would wait for as long as they are open.
    expect(await loop.oldReads.reader('a').read(1000, read, signal)).toBe('read');
  },
);

test('beside another project old events rest between turns, and those that come do not', async () => {
  const restMs = 10_000;
  const loop = new LoopShares<string>({ pieceItemsMax: 10, turnMs: 0, restMs, besideMs: 60_000 });
  async function* live() {
    yield { kind: 'synced', seq: 0 } as const;
    for await (const item of page(50)) if (item.kind === 'events') yield item;
  }
  for (const project of ['a', 'b']) loop.neighbours.saw(project);
  const seen: number[] = [];
  // Were these to rest the test would be over before they came.
  for await (const item of inTurns(loop, 'a', live(), loop.oldReads.reader('a')))
    seen.push(item.seq);
  expect(seen).toEqual([0, 10, 20, 30, 40, 55]);
  const old = inTurns(loop, 'a', page(50), loop.oldReads.reader('a'));
  expect((await old.next()).value).toMatchObject({ seq: 10 });
  let isRested = false;
  void old.next().then(() => {
    isRested = true;
  });
  for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
  expect(isRested).toBe(false);
});
