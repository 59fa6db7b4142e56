import { expect, test } from 'vitest';
import {
  bodyOf,
  countChanges,
  draftOf,
  type FaultKind,
  fieldValue,
  isChangedSince,
  issueAt,
  touchesLiving,
  withAdded,
  withField,
  withMoved,
} from './fault-draft.ts';

const before = draftOf([
  { type: 'latency', name: 'latency', delayMs: 100, match: {} },
  { type: 'limit', name: 'limit', bytes: 1024, match: { firstN: 2 } },
]);

test('a list that nothing has been done to, or that was undone, has no change', () => {
  const there = withField(before, 0, 'delayMs', 300);
  expect(countChanges(before, there)).toBe(1);
  expect(countChanges(before, withField(there, 0, 'delayMs', 100))).toBe(0);
  const moved = withMoved(before, 0, 1);
  expect(bodyOf(moved).map(({ type }) => type)).toEqual(['limit', 'latency']);
  expect(countChanges(before, moved)).toBe(1);
  expect(countChanges(before, withMoved(moved, 1, 1))).toBe(0);
});

test('what is added, taken away and moved beyond the end counts for what it is', () => {
  const added = withAdded(before, [{ type: 'blackhole' }, { type: 'refuse' }]);
  expect(added.map(({ key }) => key)).toEqual([0, 1, 2, 3]);
  expect(countChanges(before, added)).toBe(2);
  expect(countChanges(before, before.slice(1))).toBe(1);
  expect(withMoved(before, 1, 1)).toBe(before);
});

test('a field within another is set and taken away', () => {
  const less = withField(before, 1, 'match.firstN', '');
  expect(bodyOf(less)[1]?.match).toEqual({});
  expect(bodyOf(withField(less, 1, 'match.cidr', '10.0.0.0/8'))[1]?.match).toEqual({
    cidr: '10.0.0.0/8',
  });
  expect(bodyOf(withField(before, 0, 'delayMs', ''))[0]).not.toHaveProperty('delayMs');
});

test.each([
  ['42', 42],
  ['0.3', 0.3],
  ['1.', '1.'],
  ['ten', 'ten'],
  ['007', '007'],
  ['99999999999999999999', '99999999999999999999'],
])('the text %j is %j', (text, value) => {
  expect(fieldValue(text)).toBe(value);
});

test('what was told before a change was answered is no change of somebody else', () => {
  const [first, second] = ['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z'];
  const applied = { text: '[{"type":"refuse"}]', updatedAt: second };
  const told = (type: string, updatedAt: string) => ({ faults: [{ type }], updatedAt });
  expect(isChangedSince(applied, told('latency', first))).toBe(false);
  expect(isChangedSince(applied, told('refuse', second))).toBe(false);
  expect(isChangedSince(applied, told('latency', second))).toBe(true);
});

test('a change of what is only for connections to come touches none that lives', () => {
  const kind = (type: unknown) => ({ isForNewOnly: type === 'banner' }) as FaultKind;
  const banner = withAdded(before, [{ type: 'banner', text: 'hi' }]);
  expect(countChanges(before, banner)).toBe(1);
  expect(touchesLiving(before, banner, kind)).toBe(false);
  expect(touchesLiving(before, withMoved(before, 0, 1), kind)).toBe(true);
});

test('an error is told at the field that its path names', () => {
  const errors = [
    { path: 'faults[1].match.firstN', message: 'must be a whole number' },
    { path: 'faults[0]', message: 'takes exactly one of' },
  ];
  expect(issueAt(errors, 1, 'match.firstN')).toBe('must be a whole number');
  expect(issueAt(errors, 0, '')).toBe('takes exactly one of');
  expect(issueAt(errors, 0, 'match.firstN')).toBeUndefined();
});
