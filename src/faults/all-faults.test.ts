import { expect, test } from 'vitest';
import { allFaults, definitionOf } from './all-faults.ts';
import type { FaultDefinition } from './fault-definition.ts';

const definitions: readonly FaultDefinition[] = allFaults;

test('every fault is found by its type', () => {
  expect(definitions.map(definitionOf)).toEqual(definitions);
  expect(() => definitionOf({ type: 'toString' })).toThrow(TypeError);
});

test.each(definitions)('$type: its defaults are values of their fields', ({ fields }) => {
  for (const field of Object.values(fields)) {
    if (field.kind === 'word') expect(field.words).toContain(field.default);
    else if (field.kind === 'whole_number') {
      const { min, max, default: absent = min } = field;
      expect(absent).toBeGreaterThanOrEqual(min);
      expect(absent).toBeLessThanOrEqual(max);
    }
  }
});

test.each(definitions)(
  '$type: fields of which one is given may be absent',
  ({ fields, exactlyOneOf = [] }) => {
    for (const name of exactlyOneOf) expect(fields[name]).toHaveProperty('isOptional', true);
  },
);

test('a fault that does nothing does not compile', () => {
  const idle = { type: 'idle', about: 'Nothing.', on: [], fields: {} } as const;
  // @ts-expect-error: it acts neither at the accept nor in the connection
  const definition: FaultDefinition = idle;
  expect(definition).toBe(idle);
});
