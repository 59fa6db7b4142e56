import { expect, test } from 'vitest';
import { CommandFailure, exitCodes } from '../failure.ts';
import { type IdleOptions, rungsBetween, searchPlan, targetText } from './search-plan.ts';

const options: IdleOptions = { from: 15_000, to: 600_000, steps: 24, direction: 'client' };

test('the silences grow by one factor, from the first to the last', () => {
  const { silencesMs } = searchPlan('nat.example:9000', options);
  expect(silencesMs).toHaveLength(24);
  expect([silencesMs[0], silencesMs.at(-1)]).toEqual([15_000, 600_000]);
  const factors = silencesMs.slice(1).map((each, at) => each / (silencesMs[at] ?? 0));
  for (const factor of factors) expect(factor).toBeCloseTo(40 ** (1 / 23), 3);
});

test('between two silences the rungs are even, and each is its own', () => {
  expect(rungsBetween(2000, 3000, 4)).toEqual([2200, 2400, 2600, 2800]);
  expect(rungsBetween(10, 13, 200)).toEqual([11, 12]);
  expect(rungsBetween(10, 11, 24)).toEqual([]);
});

test.each(['nat.example:9000', '127.0.0.1:1', '[::1]:65535'])('%s is a target', (text) => {
  expect(targetText(searchPlan(text, options).target)).toBe(text);
});

test.each<[string, string, Partial<IdleOptions>, RegExp]>([
  ['a target without a port', 'nat.example', {}, /HOST:PORT/],
  ['a port that is none', 'nat.example:65536', {}, /HOST:PORT/],
  ['an IPv6 address without brackets', '::1:9000', {}, /HOST:PORT/],
  ['what is no address in brackets', '[nat.example]:9000', {}, /HOST:PORT/],
  ['a server that speaks over UDP', 'a:1', { udp: true, direction: 'server' }, /forged datagram/],
  ['both over UDP', 'a:1', { udp: true, direction: 'both' }, /forged datagram/],
  ['silences that do not grow', 'a:1', { from: 10_000, to: 10_000 }, /--from is not below/],
  ['a silence that is none', 'a:1', { from: 1 }, /--from is at least/],
  ['more than half a day', 'a:1', { to: 12 * 3_600_000 + 1 }, /--to is at most/],
  ['a ladder of one', 'a:1', { steps: 1 }, /--steps is from 2/],
  ['too many connections', 'a:1', { steps: 201 }, /--steps is from 2 to 200/],
])('%s is wrong usage', (_, target, change, detail) => {
  const refused = expect.objectContaining({ exitCode: exitCodes.usage });
  const attempt = () => searchPlan(target, { ...options, ...change });
  expect(attempt).toThrow(CommandFailure);
  expect(attempt).toThrow(refused);
  expect(attempt).toThrow(detail);
});
