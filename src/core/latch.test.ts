import { expect, test } from 'vitest';
import { rejection } from '../../test/support/samples.ts';
import { Latch } from './latch.ts';

test('who waits goes on when it opens, and who comes later does not wait', async () => {
  const latch = new Latch();
  const waiting = Promise.all([latch.passed(), latch.passed(new AbortController().signal)]);
  expect(latch.waiting).toBe(2);
  latch.open();
  await waiting;
  await latch.passed();
  expect(latch.waiting).toBe(0);
});

test('who leaves before is thrown why, and is not kept', async () => {
  const latch = new Latch();
  const leaving = new AbortController();
  const left = rejection(latch.passed(leaving.signal));
  const stays = latch.passed();
  leaving.abort(new Error('gone'));
  expect(await left).toMatchObject({ message: 'gone' });
  expect(latch.waiting).toBe(1);
  expect(await rejection(latch.passed(leaving.signal))).toMatchObject({ message: 'gone' });
  latch.open();
  await stays;
});

test('one that is broken throws it, now and later, and does not open any more', async () => {
  const latch = new Latch();
  const waiting = rejection(latch.passed());
  latch.break(new Error('broken'));
  latch.open();
  expect(await waiting).toMatchObject({ message: 'broken' });
  expect(await rejection(latch.passed())).toMatchObject({ message: 'broken' });
});
