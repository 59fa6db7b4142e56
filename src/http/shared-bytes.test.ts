import { expect, test } from 'vitest';
import { SharedBytes } from './shared-bytes.ts';

/** Notes who had to go. */
function room(max: number) {
  const bytes = new SharedBytes(max);
  const gone: string[] = [];
  return { gone, hold: (party: string, name: string) => bytes.hold(party, () => gone.push(name)) };
}

test('whoever needs more than is free has it of those with the most, the oldest first', () => {
  const { gone, hold } = room(100);
  const [silent, first, second] = ['silent', 'first', 'second'].map((name) => hold('a', name));
  expect([first?.add(40), second?.add(40)]).toEqual([true, true]);
  const b = hold('b', 'b');
  expect(b.add(30)).toBe(true);
  expect(gone).toEqual(['first']);
  // It counts no more, and gets no more.
  expect(first?.add(1)).toBe(false);
  first?.[Symbol.dispose]();
  // That would be more than the other one has.
  expect(b.add(35)).toBe(false);
  expect([silent?.add(30), second?.add(1)]).toEqual([true, false]);
  expect(gone).toEqual(['first']);
});

test('a party has all of it where no other is, and what goes is free', () => {
  const { gone, hold } = room(100);
  const only = hold('a', 'only');
  expect([only.add(100), only.add(1)]).toEqual([true, false]);
  only.addAnyway(50);
  const next = hold('a', 'next');
  expect(next.add(1)).toBe(false);
  only[Symbol.dispose]();
  only[Symbol.dispose]();
  expect([next.add(100), next.add(1)]).toEqual([true, false]);
  expect(gone).toEqual([]);
});

test('one that goes late takes nothing of those of its party that came after', () => {
  const { gone, hold } = room(100);
  const late = hold('a', 'late');
  late.add(90);
  hold('b', 'b').add(20);
  expect(gone).toEqual(['late']);
  hold('a', 'other')[Symbol.dispose]();
  hold('a', 'next').add(60);
  late[Symbol.dispose]();
  expect(hold('c', 'c').add(40)).toBe(true);
  expect(gone).toEqual(['late', 'next']);
});
