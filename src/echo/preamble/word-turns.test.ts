import { expect, test } from 'vitest';
import { type ProjectRef, projectRef } from '../../core/project.ts';
import { WordTurns } from './word-turns.ts';

const [a, b] = [1, 2].map(projectRef) as [ProjectRef, ProjectRef];
const turn = () => new Promise((next) => setImmediate(next));

/** Each word takes so long on a clock of the test's own. */
function world() {
  let nowMs = 1000;
  const turns = new WordTurns(() => nowMs);
  const told: string[] = [];
  const say = (project: ProjectRef, name: string, tookMs = 0) =>
    turns.next(project).then(() => {
      told.push(name);
      nowMs += tookMs;
    });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { say, told, pass };
}

test('each has a turn of its own, and the projects take turns', async () => {
  const { say, told } = world();
  const all = [say(a, 'a1'), say(a, 'a2'), say(a, 'a3'), say(b, 'b1')];
  const counts: number[] = [];
  while (told.length < 4) {
    await turn();
    counts.push(told.length);
  }
  await Promise.all(all);
  expect(told).toEqual(['a1', 'b1', 'a2', 'a3']);
  expect(Math.max(...counts.map((count, n) => count - (counts[n - 1] ?? 0)))).toBe(1);
});

test('a project whose word was dear waits as long again, and nobody else does', async () => {
  const { say, told, pass } = world();
  const first = say(a, 'a1', 60);
  const second = say(a, 'a2', 60);
  await first;
  for (let n = 1; n <= 20; n++) {
    await say(b, `b${n}`, 1);
    await turn();
  }
  expect(told).toHaveLength(21);
  pass(40);
  // The timer that wakes it is a real one: who comes next looks as well.
  await say(b, 'b21');
  await second;
  expect(told.slice(-2).sort()).toEqual(['a2', 'b21']);
});

test('a rest ends by itself', async () => {
  const turns = new WordTurns(() => performance.now());
  const dear = turns.next(a).then(() => {
    const until = performance.now() + 10;
    while (performance.now() < until);
  });
  const next = turns.next(a);
  await dear;
  await next;
  await turns.next(a);
});
