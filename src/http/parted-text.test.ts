import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { PartedText } from './parted-text.ts';

/** More than one turn has. */
const parts = Array.from({ length: 20 }, (_, n) => `${n}€`.repeat(5000));

/** Turns that are given by hand. */
function byHand() {
  const waiting: (() => void)[] = [];
  let given = 0;
  const turn = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const give = async () => {
    given += 1;
    waiting.shift()?.();
    await new Promise(setImmediate);
  };
  return { turn, give, given: () => given, waiting };
}

test('a text goes out in its order, some of it in each turn', async () => {
  const turns = byHand();
  const parted = new PartedText(parts, turns.turn);
  const all = text(parted);
  expect(turns.waiting).toHaveLength(1);
  const ended = once(parted, 'close');
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) await turns.give();
  expect(await all).toBe(parts.join(''));
  expect(parted.bytes).toBe(Buffer.byteLength(parts.join('')));
  expect(turns.given()).toBeGreaterThan(3);
  expect(turns.given()).toBeLessThan(parts.length);
});

test('a reader who waits is waited for: no turn is asked for meanwhile', async () => {
  const turns = byHand();
  const parted = new PartedText(parts, turns.turn);
  let taken = '';
  parted.on('data', (part: string) => {
    taken += part;
    parted.pause();
  });
  await turns.give();
  // What the turn had beside is there by then.
  for (let n = 0; n < 10; n += 1) await turns.give();
  expect(taken.length).toBeLessThan(parts.join('').length / 2);
  expect(turns.waiting).toHaveLength(0);
});

test('a turn that comes after the reader has gone gives nothing', async () => {
  const turns = byHand();
  const parted = new PartedText(parts, turns.turn);
  parted.resume();
  await new Promise(setImmediate);
  expect(turns.waiting).toHaveLength(1);
  parted.destroy();
  await turns.give();
  expect(parted.readableLength).toBe(0);
  expect(turns.waiting).toHaveLength(0);
});
