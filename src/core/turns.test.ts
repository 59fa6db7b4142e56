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

test('where there is to be a rest after a turn, the next piece waits for its end', async () => {
  const restMs = 20;
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 0, restMs: () => restMs });
  const gaps: number[] = [];
  let last: number | null = null;
  for await (const _piece of turns.pieces('a', [1, 2, 3, 4])) {
    if (last !== null) gaps.push(performance.now() - last);
    last = performance.now();
  }
  // A timer counts whole milliseconds from when its turn began.
  expect(gaps.filter((gap) => gap > restMs - 2)).toHaveLength(3);
});

test('who waits between its pieces rests as well: each has taken of the turn', async () => {
  let ms = 0;
  let rests = 0;
  const restMs = () => {
    rests += 1;
    return 0;
  };
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 2, restMs }, () => ms);
  const restsBefore: number[] = [];
  for await (const _piece of turns.pieces('a', [1, 2, 3, 4, 5])) {
    restsBefore.push(rests);
    ms += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(restsBefore).toEqual([0, 0, 1, 1, 2]);
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
