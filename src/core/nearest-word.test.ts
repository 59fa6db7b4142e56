import { expect, test } from 'vitest';
import { nearestWord } from './nearest-word.ts';

const words = ['createListener', 'createListeners', 'deleteListener', 'join'];

test.each([
  ['createListner', 'createListener'],
  ['createListenerz', 'createListener'],
  ['deleteListenr', 'deleteListener'],
  ['jion', 'join'],
])('%s is near to %s', (text, near) => {
  expect(nearestWord(text, words)).toBe(near);
});

test('what would have to change by more than half, or by too many letters, is near to none', () => {
  for (const text of ['', 'foo', 'xxxn', 'createNode']) expect(nearestWord(text, words)).toBe(null);
  expect(nearestWord('any', [])).toBe(null);
});
