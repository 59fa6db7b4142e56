import { expect, test } from 'vitest';
import { LoopShares } from '../core/loop-shares.ts';
import { projectRef } from '../core/project.ts';
import type { Rows, Statement } from './database.ts';
import { ProjectReads } from './project-reads.ts';

const a = projectRef(2);
const b = projectRef(3);
const times = { waitMs: 60_000, longWaitMs: 60_000 };
const shares = { atOnceMax: 2, longAtOnceMax: 1, pieceRowsMax: 10, ...times };

/** A database whose reads are answered by the test. */
function heldDatabase() {
  const begun: { readonly statement: Statement; readonly end: (rows: Rows) => void }[] = [];
  const fails: (() => void)[] = [];
  return {
    begun: () => begun.map(({ statement }) => statement.text),
    statements: () => begun.map(({ statement }) => statement),
    end: (index: number) => begun[index]?.end([[index]]),
    fail: (index: number) => fails[index]?.(),
    query: (statement: Statement) =>
      new Promise<Rows>((resolve, reject) => {
        begun.push({ statement, end: resolve });
        fails.push(() => reject(new Error('away')));
      }),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a project has its share of the reads at once, and another one its own', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, new LoopShares(), shares);
  const asked = ['1', '2', '3'].map((text) => reads.of(a).query({ text }));
  const other = reads.of(b).query({ text: 'other' });
  await turn();
  expect(database.begun()).toEqual(['1', '2', 'other']);
  database.end(1);
  await turn();
  expect(database.begun()).toEqual(['1', '2', 'other', '3']);
  for (const index of [0, 2, 3]) database.end(index);
  expect(await Promise.all([...asked, other])).toHaveLength(4);
});

test('a read that fails gives its place on', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, new LoopShares(), { ...shares, atOnceMax: 1 });
  const failing = reads.of(a).query({ text: 'fails' });
  const next = reads.of(a).query({ text: 'next' });
  await turn();
  database.fail(0);
  await expect(failing).rejects.toThrow('away');
  await turn();
  database.end(1);
  await expect(next).resolves.toEqual([[1]]);
});

test('a read that waits too long is unavailable, and leaves no place taken', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, new LoopShares(), {
    ...shares,
    atOnceMax: 1,
    waitMs: 10,
  });
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

test('only an answer that may be long comes in pieces', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, new LoopShares(), shares).of(a);
  void reads.query({ text: 'one' });
  void reads.upTo(10).query({ text: 'short' });
  await turn();
  database.end(0);
  database.end(1);
  await turn();
  void reads.upTo(11).query({ text: 'long' });
  await turn();
  expect(database.statements().map(({ pieceRowsMax }) => pieceRowsMax)).toEqual([
    undefined,
    undefined,
    10,
  ]);
});

test('of the reads of a project one is long at once, and its short ones pass', async () => {
  const database = heldDatabase();
  const reads = new ProjectReads(database, new LoopShares(), shares).of(a);
  for (const text of ['long', 'next']) void reads.upTo(1000).query({ text });
  await turn();
  void reads.query({ text: 'short' });
  await turn();
  expect(database.begun()).toEqual(['long', 'short']);
  database.end(0);
  await turn();
  expect(database.begun()).toEqual(['long', 'short', 'next']);
});

test('one that is alone has its long reads at once, and beside another project one', async () => {
  const database = heldDatabase();
  const loop = new LoopShares<typeof a>();
  const reads = new ProjectReads(database, loop, { ...shares, longAtOnceMax: 2 });
  for (const text of ['1', '2', '3']) void reads.of(a).upTo(1000).query({ text });
  loop.neighbours.saw(a);
  await turn();
  expect(database.begun()).toEqual(['1', '2']);
  loop.neighbours.saw(b);
  database.end(0);
  await turn();
  expect(database.begun()).toEqual(['1', '2']);
  database.end(1);
  await turn();
  expect(database.begun()).toEqual(['1', '2', '3']);
});

test('the rows of many long answers are looked at in pieces, and a short answer waits for none', async () => {
  const loop = new LoopShares<typeof a>({ pieceItemsMax: 10, turnMs: 0 });
  const reads = new ProjectReads(heldDatabase(), loop, shares);
  const rows = (count: number): Rows => Array.from({ length: count }, (_, n) => [n]);
  const order: string[] = [];
  const parse = async (project: typeof a, name: string, count: number) => {
    const items = await reads.of(project).parsed(rows(count), ([n]) => Number(n));
    order.push(name);
    return items;
  };
  const many = Array.from({ length: 10 }, () => parse(a, 'many', 100));
  const [long, short] = [parse(b, 'long', 30), parse(b, 'short', 10)];
  expect(await short).toHaveLength(10);
  expect(await long).toEqual(Array.from({ length: 30 }, (_, n) => n));
  // Its pieces stand each behind one of the other project's, not behind those of all ten.
  expect(order).toEqual(['short', 'long']);
  await Promise.all(many);
});
