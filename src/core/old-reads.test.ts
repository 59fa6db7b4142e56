import { expect, test } from 'vitest';
import { LoopShares } from './loop-shares.ts';

function makeReads(projects: string, oldPieceWaitMs = 60_000) {
  const pieces = { pieceItemsMax: 10, oldPiecesPerProjectMax: 2, oldPieceWaitMs };
  const loop = new LoopShares<string>({ ...pieces, turnMs: 0, besideMs: 60_000 });
  for (const project of projects) loop.neighbours.saw(project);
  return { loop, reads: loop.oldReads };
}

const asked = async (eventsMax: number) => eventsMax;

/** A read that goes on until it is told to. */
function heldRead() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { read: () => promise, end: resolve };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('beside other projects a read is of one piece, and alone of all that is asked for', async () => {
  const alone = makeReads('a');
  expect(await alone.reads.read('a', 1000, asked)).toBe(1000);
  const beside = makeReads('ab');
  expect(await beside.reads.read('a', 1000, asked)).toBe(10);
  expect(await beside.reads.read('a', 3, asked)).toBe(3);
});

test('a project has two pieces at once, and those of others pass', async () => {
  const { reads } = makeReads('ab');
  const held = heldRead();
  const two = [1, 2].map(() => reads.read('a', 10, held.read));
  let isThere = false;
  const third = reads.read('a', 10, asked).then(() => {
    isThere = true;
  });
  expect(await reads.read('b', 10, asked)).toBe(10);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  expect(isThere).toBe(false);
  held.end();
  await Promise.all([...two, third]);
});

test('a piece is handed on in a turn of what is long', async () => {
  const { loop, reads } = makeReads('ab');
  const order: string[] = [];
  const others = [1, 2].map(() => loop.long.next('b').then(() => order.push('b')));
  await Promise.all([...others, reads.read('a', 10, asked).then(() => order.push('a'))]);
  // The other project's second turn comes after it.
  expect(order).toEqual(['b', 'a', 'b']);
});

test('who waits too long is told which limit it is, and a read that fails gives back its place', async () => {
  const { reads } = makeReads('ab', 10);
  const held = heldRead();
  const two = [1, 2].map(() => reads.read('a', 10, held.read));
  await expect(reads.read('a', 10, asked)).rejects.toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'oldPiecesPerProjectMax', limitValue: 2 },
  });
  held.end();
  await Promise.all(two);
  const failing = async () => Promise.reject(new Error('the store is away'));
  for (const _ of [1, 2, 3]) {
    await expect(reads.read('a', 10, failing)).rejects.toThrow('the store is away');
  }
});
