/** What the console offers of faults, held to what the API takes. */
import { expect, test } from 'vitest';
import { faultKindsOf } from '../scripts/fault-kinds.ts';
import { faultList } from '../src/api/fault-input.ts';
import { type PresetName, presets, suits } from '../src/console/fault-draft.ts';
import { faultMismatch } from '../src/core/fault.ts';
import { protocols } from '../src/core/listener.ts';
import { allFaults } from '../src/faults/all-faults.ts';

test.each(Object.keys(presets) as PresetName[])('the preset %s is one that is taken', (name) => {
  expect(() => faultList(10).parse(presets[name])).not.toThrow();
});

test('a fault is offered for the protocols that it has a meaning on', () => {
  const kinds = faultKindsOf();
  for (const protocol of protocols)
    for (const { type } of allFaults) {
      const kind = kinds.find((one) => one.type === type);
      expect(suits(kind, protocol), `${type} ${protocol}`).toBe(
        faultMismatch({ type }, protocol) === null,
      );
    }
});

test('the faults that no living connection meets are those that docs/api.md names', () => {
  const forNew = faultKindsOf().filter(({ isForNewOnly }) => isForNewOnly);
  expect(forNew.map(({ type }) => type).sort()).toEqual(['accept_delay', 'banner', 'refuse']);
});
