import { expect, test } from 'vitest';
import { Neighbours } from './neighbours.ts';

test('there are several as long as two were seen within the time', () => {
  let ms = 0;
  const neighbours = new Neighbours<string>(1000, () => ms);
  const after = (wait: number, project: string) => {
    ms += wait;
    neighbours.saw(project);
    return neighbours.areSeveral;
  };
  expect(neighbours.areSeveral).toBe(false);
  expect(after(0, 'a')).toBe(false);
  expect(after(10, 'a')).toBe(false);
  expect(after(10, 'b')).toBe(true);
  expect(after(990, 'b')).toBe(true);
  expect(after(1, 'b')).toBe(false);
  expect(after(1000, 'a')).toBe(true);
  expect(after(0, 'c')).toBe(true);
  ms += 1001;
  expect(neighbours.areSeveral).toBe(false);
});
