import { expect, test } from 'vitest';
import { MessageBundle } from './message-bundle.ts';

function bundle() {
  const written: (readonly number[])[] = [];
  return { written, messages: new MessageBundle<number>((some) => void written.push(some)) };
}

test('what is sent in one go is written as one, in order, and what comes later as another', async () => {
  const { written, messages } = bundle();
  messages.add(1);
  messages.add(2);
  void Promise.resolve().then(() => messages.add(3));
  expect(written).toEqual([]);
  await null;
  messages.add(4);
  await null;
  await null;
  expect(written.flat()).toEqual([1, 2, 3, 4]);
  expect(written[0]).toEqual([1, 2]);
});

test('no bundle is larger than what is taken at once', async () => {
  const { written, messages } = bundle();
  for (let at = 0; at < 1000; at += 1) messages.add(at);
  await null;
  expect(written.map(({ length }) => length)).toEqual([256, 256, 256, 232]);
  expect(written.flat()).toEqual(Array.from({ length: 1000 }, (_, at) => at));
});

test('a flush writes what waits, and nothing twice', async () => {
  const { written, messages } = bundle();
  messages.flush();
  messages.add(1);
  messages.flush();
  await null;
  expect(written).toEqual([[1]]);
});
