import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('what is long comes in pieces, in order, and what is one piece waits for no turn', async () => {
  const turns = new Turns<string>({ pieceItemsMax: 2 });
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
  const turns = new Turns<string>({ pieceItemsMax: 10 });
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
