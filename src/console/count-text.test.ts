import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countText } from './count-text.ts';

test('counts are written as Intl writes them, in both languages', () => {
  const formats = [new Intl.NumberFormat('en'), new Intl.NumberFormat('ja')];
  const counts = fc.oneof(fc.nat(2000), fc.nat(), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
  fc.assert(
    fc.property(counts, (count) => {
      for (const format of formats) expect(countText(count)).toBe(format.format(count));
    }),
  );
});
