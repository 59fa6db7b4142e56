import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('what is long comes in pieces, in order, and what is one piece waits for no turn', async () => {
  const turns = new Turns<string>({ pieceItemsMax: 2, turnMs: 0 });
  const pieces: (readonly number[])[] = [];
  for await (const piece of turns.pieces('a', [1, 2, 3, 4, 5])) pieces.push(piece);
  expect(pieces).toEqual([[1, 2], [3, 4], [5]]);
  let isNextTurn = false;
  setImmediate(() => {
    isNextTurn = true;
  });
  for await (const piece of turns.pieces('a', [1, 2])) pieces.push(piece);
  expect(isNextTurn).toBe(false);
});

test('a call passes whatever another project has waiting', async () => {
  const turns = new Turns<string>({ pieceItemsMax: 10, turnMs: 0 });
  const order: string[] = [];
  const items = Array.from({ length: 200 }, (_, n) => n);
  const read = async (project: string) => {
    for await (const _piece of turns.pieces(project, items)) order.push(project);
  };
  const flood = Array.from({ length: 50 }, () => read('flood'));
  await turns.next('another');
  await read('one');
  // Twenty pieces of one stand behind about as many of the other, not behind a thousand.
  expect(order.filter((project) => project === 'flood').length).toBeLessThan(25);
  await Promise.all(flood);
});

/** Which turn of the loop it is, until it is disposed of. */
function countLoopTurns() {
  const loop = { turn: 0, [Symbol.dispose]: () => clearImmediate(next) };
  const count = () => {
    loop.turn += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  return loop;
}

test('a turn of the loop has as many pieces as there is time for, of the projects in turn', async () => {
  let ms = 0;
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 3 }, () => ms);
  using loop = countLoopTurns();
  const order: string[] = [];
  const read = async (project: string) => {
    for await (const _piece of turns.pieces(project, [1, 2, 3])) {
      order.push(`${project}${loop.turn}`);
      ms += 1;
    }
  };
  await Promise.all([read('a'), read('b')]);
  expect(order.map((one) => one.charAt(0)).join('')).toBe('ababab');
  const [first = '', , third = '', fourth = ''] = order.map((one) => one.slice(1));
  expect([third, Number(fourth)]).toEqual([first, Number(first) + 1]);
});

/** How many pieces had to wait for a rest. */
async function rested(turns: Turns<string>, use: () => Promise<unknown>): Promise<number> {
  let count = 0;
  let last = performance.now();
  for await (const _piece of turns.pieces('a', [1, 2, 3, 4])) {
    if (performance.now() - last > restMs / 2) count += 1;
    await use();
    last = performance.now();
  }
  return count;
}
const restMs = 40;

test('where there is to be a rest after a turn, the next piece waits for its end', async () => {
  const limits = { pieceItemsMax: 1, turnMs: 0 };
  const use = async () => undefined;
  expect(await rested(new Turns({ ...limits, restMs: () => 0 }), use)).toBe(0);
  expect(await rested(new Turns({ ...limits, restMs: () => restMs }), use)).toBe(3);
});

test('who waits between its pieces rests as well: each has taken of the turn', async () => {
  let ms = 0;
  const turns = new Turns<string>(
    { pieceItemsMax: 1, turnMs: 2, restMs: () => restMs },
    () => performance.now() + ms,
  );
  const use = () => {
    ms += 1;
    return new Promise((resolve) => setImmediate(resolve));
  };
  // The third has the turn after that of the first two.
  expect(await rested(turns, use)).toBe(1);
});

test('what a piece writes, and is sent a tick later, is of its turn', async () => {
  let ms = 0;
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 2 }, () => ms);
  using loop = countLoopTurns();
  const seen: number[] = [];
  for await (const _piece of turns.pieces('a', [1, 2, 3])) {
    seen.push(loop.turn);
    process.nextTick(() => {
      ms += 2;
    });
  }
  expect(new Set(seen).size).toBe(3);
});
