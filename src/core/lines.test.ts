import { expect, test } from 'vitest';
import { Lines } from './lines.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function lines(atOnceMax: number, waitMs = 60_000) {
  return new Lines<string>({ atOnceMax: () => atOnceMax, waitMs }, () => new Error('too late'));
}

/** Tells in which order the places are had. */
function taker(of: Lines<string>) {
  const had: string[] = [];
  const places = new Map<string, Disposable>();
  return {
    had,
    take: async (project: string, name: string, signal?: AbortSignal) => {
      places.set(name, await of.take(project, signal));
      had.push(name);
    },
    leave: async (name: string) => {
      places.get(name)?.[Symbol.dispose]();
      await turn();
    },
  };
}

test('a project has so many places, another one its own, and the rest wait in order', async () => {
  const { had, take, leave } = taker(lines(2));
  const all = ['1', '2', '3', '4'].map((name) => take('a', name));
  all.push(take('b', 'other'));
  await turn();
  expect(had).toEqual(['1', '2', 'other']);
  await leave('2');
  expect(had.at(-1)).toBe('3');
  // Who comes now does not overtake who waits.
  all.push(take('a', 'late'));
  await leave('1');
  expect(had.at(-1)).toBe('4');
  await leave('3');
  await Promise.all(all);
  expect(had.at(-1)).toBe('late');
});

test('who waits too long is told so, and leaves no place taken', async () => {
  const of = lines(1, 5);
  const first = await of.take('a');
  await expect(of.take('a')).rejects.toThrow('too late');
  first[Symbol.dispose]();
  using _next = await of.take('a');
});

test('who goes away while it waits leaves the line', async () => {
  const of = lines(1);
  const { had, take, leave } = taker(of);
  await take('a', 'first');
  const gone = new AbortController();
  const leaving = take('a', 'gone', gone.signal);
  const next = take('a', 'next');
  gone.abort(new Error('went away'));
  await expect(leaving).rejects.toThrow('went away');
  await leave('first');
  await next;
  expect(had).toEqual(['first', 'next']);
});

test('who has gone before it comes takes no place, even where there is room', async () => {
  const of = lines(1);
  const gone = AbortSignal.abort(new Error('went away'));
  await expect(of.take('a', gone)).rejects.toThrow('went away');
  using _place = await of.take('a');
});

test('where there are fewer places by now, or more, it is still the line that has them', async () => {
  let atOnceMax = 2;
  const of = new Lines<string>({ atOnceMax: () => atOnceMax, waitMs: 60_000 }, () => null);
  const { had, take, leave } = taker(of);
  const all = ['1', '2', '3', '4', '5', '6'].map((name) => take('a', name));
  await turn();
  atOnceMax = 1;
  await leave('1');
  expect(had).toEqual(['1', '2']);
  await leave('2');
  expect(had).toEqual(['1', '2', '3']);
  atOnceMax = 2;
  // Who comes finds that there is room, and that others were before it.
  all.push(take('a', 'late'));
  await turn();
  expect(had).toEqual(['1', '2', '3', '4']);
  atOnceMax = 3;
  await leave('3');
  expect(had).toEqual(['1', '2', '3', '4', '5', '6']);
  await leave('4');
  expect(had.at(-1)).toBe('late');
  await Promise.all(all);
});
