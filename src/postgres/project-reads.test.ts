import { expect, test } from 'vitest';
import { projectRef } from '../core/project.ts';
import type { Rows, Statement } from './database.ts';
import { ProjectReads } from './project-reads.ts';

const a = projectRef(2);
const b = projectRef(3);

/** A database whose reads are answered by the test. */
function heldDatabase() {
  const begun: { readonly text: string; readonly end: (rows: Rows) => void }[] = [];
  const fails: (() => void)[] = [];
  return {
    begun: () => begun.map(({ text }) => text),
    end: (index: number) => begun[index]?.end([[index]]),
    fail: (index: number) => fails[index]?.(),
    query: ({ text }: Statement) =>
      new Promise<Rows>((resolve, reject) => {
        begun.push({ text, end: resolve });
        fails.push(() => reject(new Error('away')));
      }),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a project has its share of the reads at once, another one its own, and the rest wait in order', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, { atOnceMax: 2, waitMs: 60_000, turnRowsMax: 9 });
  const asked = ['1', '2', '3', '4'].map((text) => reads.of(a).query({ text }));
  const other = reads.of(b).query({ text: 'other' });
  await turn();
  expect(database.begun()).toEqual(['1', '2', 'other']);
  database.end(1);
  await turn();
  expect(database.begun()).toEqual(['1', '2', 'other', '3']);
  // Who comes now does not overtake who waits.
  const late = reads.of(a).query({ text: 'late' });
  database.end(0);
  await turn();
  expect(database.begun().slice(4)).toEqual(['4']);
  for (const index of [2, 3, 4]) database.end(index);
  await turn();
  database.end(5);
  expect(await Promise.all([...asked, other, late])).toHaveLength(6);
});

test('a read that fails gives its place on', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, { atOnceMax: 1, waitMs: 60_000, turnRowsMax: 9 });
  const failing = reads.of(a).query({ text: 'fails' });
  const next = reads.of(a).query({ text: 'next' });
  database.fail(0);
  await expect(failing).rejects.toThrow('away');
  await turn();
  database.end(1);
  await expect(next).resolves.toEqual([[1]]);
});

test('a read that waits too long is unavailable, and leaves no place taken', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, { atOnceMax: 1, waitMs: 10, turnRowsMax: 9 });
  const first = reads.of(a).query({ text: 'first' });
  await expect(reads.of(a).query({ text: 'late' })).rejects.toMatchObject({ code: 'unavailable' });
  database.end(0);
  await first;
  const again = reads.of(a).query({ text: 'again' });
  await turn();
  database.end(1);
  await again;
  expect(database.begun()).toEqual(['first', 'again']);
});

test('each turn of the loop goes on with one long answer, and a short one waits for none', async () => {
  const rows = (count: number) => Array.from({ length: count }, (_, n) => [n]);
  const database = { query: async ({ text }: Statement) => rows(Number(text)) };
  const reads = new ProjectReads(database, { atOnceMax: 20, waitMs: 60_000, turnRowsMax: 9 });
  let loopTurn = 0;
  const count = () => {
    loopTurn += 1;
    if (loopTurn < 100) setImmediate(count);
  };
  setImmediate(count);
  const readAt = async (project: typeof a, text: string) => {
    await reads.of(project).query({ text });
    return loopTurn;
  };
  const many = Array.from({ length: 10 }, () => readAt(a, '10'));
  const [short, long] = [readAt(b, '9'), readAt(b, '10')];
  expect(await short).toBe(0);
  // Its turn comes behind one of the other project's, not behind all ten.
  expect(await long).toBeLessThanOrEqual(3);
  expect(new Set(await Promise.all(many)).size).toBe(10);
});
