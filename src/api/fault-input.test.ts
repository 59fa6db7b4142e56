import { expect, test } from 'vitest';
import { wholeFaults } from '../../test/support/whole-samples.ts';
import type { Fault } from '../core/fault.ts';
import { definitionOf } from '../faults/all-faults.ts';
import { fault, faultList } from './fault-input.ts';
import { read } from './parse.ts';

const always = { probability: 1, seed: null, match: {}, enabled: true, expiresAt: null };

/** The fields of its own; of those that exclude each other only one, which may be named. */
function own(sample: Fault, kept?: string): Readonly<Record<string, unknown>> {
  const { exactlyOneOf = [] } = definitionOf(sample);
  const { probability: _p, seed: _s, match: _m, enabled: _e, expiresAt: _x, ...fields } = sample;
  const entries = Object.entries(fields).filter(
    ([name]) => !exactlyOneOf.includes(name) || name === (kept ?? exactlyOneOf[0]),
  );
  return Object.fromEntries(entries);
}

function errorsOf(input: unknown) {
  const result = read(fault, input);
  return 'errors' in result ? result.errors : [];
}

test.each(wholeFaults)('$type: all fields that core has are read as they are', (sample) => {
  const given = own(sample);
  expect(read(fault, given)).toEqual({ data: { ...always, ...given } });
});

test.each(wholeFaults)('$type: what core has may be absent where it has a default', (sample) => {
  const { fields } = definitionOf(sample);
  for (const [name, field] of Object.entries(fields)) {
    if ('isOptional' in field) continue;
    const { [name]: _, ...rest } = own(sample);
    const expected = 'default' in field ? { ...always, ...rest, [name]: field.default } : undefined;
    const result = read(fault, rest);
    if (expected !== undefined) expect(result).toEqual({ data: expected });
    else expect(errorsOf(rest)).toEqual([{ path: name, message: 'is required' }]);
  }
});

test.each(wholeFaults)('$type: no field has a value of another kind', (sample) => {
  const given = own(sample);
  for (const name of Object.keys(definitionOf(sample).fields)) {
    const wrong = { ...given, [name]: ['neither'] };
    expect(errorsOf(wrong).map(({ path }) => path)).toEqual([name]);
  }
});

const exclusive = wholeFaults.filter((sample) => definitionOf(sample).exactlyOneOf !== undefined);

test.each(exclusive)('$type: one of those that exclude each other, and no more', (sample) => {
  const { exactlyOneOf: names = [] } = definitionOf(sample);
  for (const name of names) expect(errorsOf(own(sample, name))).toEqual([]);
  const message = `takes exactly one of ${names.join(', ')}`;
  expect(errorsOf(own(sample, 'none'))).toEqual([{ path: '', message }]);
  const two = Object.assign({}, ...names.slice(0, 2).map((name) => own(sample, name)));
  expect(errorsOf(two)).toEqual([{ path: '', message }]);
});

test('a list holds one enabled fault at most that doubles datagrams', () => {
  const duplicate = { type: 'duplicate' };
  const list = faultList(16);
  expect(read(list, [duplicate, { ...duplicate, enabled: false }])).toHaveProperty('data');
  const message = 'only one duplicate may be enabled: a datagram is answered twice at most';
  expect(read(list, [duplicate, { type: 'drop' }, duplicate])).toEqual({
    errors: [{ path: '[2].type', message }],
  });
});
