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

test('a turn of the loop has as many pieces as there is time for, of the projects in turn', async () => {
  let ms = 0;
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 3, besideMs: -1 }, () => ms);
  let loopTurn = 0;
  let isCounting = true;
  const count = () => {
    loopTurn += 1;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  const order: string[] = [];
  const read = async (project: string) => {
    for await (const _piece of turns.pieces(project, [1, 2, 3])) {
      order.push(`${project}${loopTurn}`);
      ms += 1;
    }
  };
  await Promise.all([read('a'), read('b')]);
  isCounting = false;
  expect(order.map((one) => one.charAt(0)).join('')).toBe('ababab');
  const [first = '', , third = '', fourth = ''] = order.map((one) => one.slice(1));
  expect([third, Number(fourth)]).toEqual([first, Number(first) + 1]);
});

test('where several projects are at it a turn ends with a rest, in which others are heard', async () => {
  const restMs = 20;
  const turns = new Turns<string>({ pieceItemsMax: 1, turnMs: 0, restMs });
  const waited = async () => {
    const gaps: number[] = [];
    let last = performance.now();
    for await (const _piece of turns.pieces('a', [1, 2, 3])) {
      gaps.push(performance.now() - last);
      last = performance.now();
    }
    return gaps.slice(1).filter((gap) => gap > restMs / 2).length;
  };
  expect(turns.areSeveral).toBe(false);
  turns.saw('b');
  await turns.next('a');
  turns.saw('a');
  expect(turns.areSeveral).toBe(true);
  expect(await waited()).toBe(2);
});
