import { expect, test } from 'vitest';
import { KnownLogs } from './known-logs.ts';
import { projectRef } from './project.ts';

test('beyond its bound the log that was asked for longest ago goes, unless somebody holds it', () => {
  const ended: number[] = [];
  const logs = new KnownLogs<{ isHeld: boolean; end(): void }>(2);
  const get = (number: number, isHeld = false) =>
    logs.get(projectRef(number), () => ({ isHeld, end: () => ended.push(number) }));
  const first = get(1, true);
  const second = get(2);
  get(1);
  get(3);
  expect(ended).toEqual([2]);
  expect(get(1)).toBe(first);
  expect(get(2)).not.toBe(second);
  expect(ended).toEqual([2, 3]);
  first.isHeld = false;
  get(4);
  expect(ended).toEqual([2, 3, 1]);
  expect(logs.find(projectRef(1))).toBeNull();
  logs.end();
  expect(ended).toEqual([2, 3, 1, 2, 4]);
});
