/** What the console says by itself of what the API has words for. */
import { expect, test } from 'vitest';
import { faultKindsOf } from '../scripts/fault-kinds.ts';
import { listenerWordsJapanese } from '../src/console/listener-words-japanese.ts';

test('each fault is told in Japanese, and nothing else is', () => {
  const types = faultKindsOf().map(({ type }) => type);
  expect(Object.keys(listenerWordsJapanese.faults.about).sort()).toEqual(types.sort());
});
