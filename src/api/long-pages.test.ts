import { expect, test } from 'vitest';
import { type Caller, operator } from '../core/caller.ts';
import { LoopShares } from '../core/loop-shares.ts';
import { projectRef } from '../core/project.ts';
import { LongPages } from './long-pages.ts';

const projects = new Map([
  ['a', projectRef(2)],
  ['b', projectRef(3)],
]);

function makePages(longPageWaitMs = 60_000) {
  const limits = { pieceItemsMax: 10, longPagesPerProjectMax: 2, longPageWaitMs };
  return new LongPages({
    projects: { of: async ({ project }) => projects.get(project) ?? projectRef(1) },
    loop: new LoopShares({ ...limits, turnMs: 0 }),
    limits,
  });
}

function callerOf(project: string, signal = new AbortController().signal): Caller {
  const request = { operation: 'listConnections', requestId: 'r', sourceIp: null, userAgent: null };
  return { ...operator, ...request, project, signal };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a project has two long pages under way, short ones and those of others pass', async () => {
  const pages = makePages();
  const under = await Promise.all([1, 2].map(() => pages.paceOf(callerOf('a'), { pageSize: 11 })));
  const third = pages.paceOf(callerOf('a'), { pageSize: 1000 });
  using _short = await pages.paceOf(callerOf('a'), { pageSize: 10 });
  using _other = await pages.paceOf(callerOf('b'), { pageSize: 1000 });
  using _create = await pages.paceOf(callerOf('a'), { name: 'no page' });
  let isThere = false;
  void third.then(() => {
    isThere = true;
  });
  await turn();
  expect(isThere).toBe(false);
  under[0]?.[Symbol.dispose]();
  using _third = await third;
});

test('who waits too long for a place is told which limit it is, and who goes away waits no more', async () => {
  const pages = makePages(10);
  for (const _ of [1, 2]) await pages.paceOf(callerOf('a'), { pageSize: 11 });
  const gone = new AbortController();
  const leaving = makePages();
  for (const _ of [1, 2]) await leaving.paceOf(callerOf('a'), { pageSize: 11 });
  const left = leaving.paceOf(callerOf('a', gone.signal), { pageSize: 11 });
  await turn();
  gone.abort(new Error('the caller went away'));
  await expect(left).rejects.toThrow('the caller went away');
  await expect(pages.paceOf(callerOf('a'), { pageSize: 11 })).rejects.toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'longPagesPerProjectMax', limitValue: 2 },
  });
});

test('a long page goes in pieces, a short one at once', async () => {
  const pages = makePages();
  const items = Array.from({ length: 25 }, (_, n) => n);
  const sizes = async (pageSize: number) => {
    using pace = await pages.paceOf(callerOf('a'), { pageSize });
    const found: number[] = [];
    for await (const piece of pace.pieces(items)) found.push(piece.length);
    return found;
  };
  expect(await sizes(1000)).toEqual([10, 10, 5]);
  expect(await sizes(10)).toEqual([25]);
});

test('each piece of what is read as it goes is handed on in pieces, and then its end', async () => {
  const pages = makePages();
  using pace = await pages.paceOf(callerOf('a'), { pageSize: 1000 });
  async function* read() {
    yield Array.from({ length: 12 }, (_, n) => n);
    yield [];
    yield [12, 13];
    return { nextPageToken: 'next' };
  }
  const pieces = pace.pieces(read());
  const found: number[][] = [];
  let step = await pieces.next();
  for (; step.done !== true; step = await pieces.next()) found.push([...step.value]);
  expect(found.map(({ length }) => length)).toEqual([10, 2, 2]);
  expect(found.flat()).toEqual(Array.from({ length: 14 }, (_, n) => n));
  expect(step.value).toEqual({ nextPageToken: 'next' });
});

test('of what is read as it goes the first piece may be all there is, and those behind it wait', async () => {
  const pages = makePages();
  using pace = await pages.paceOf(callerOf('a'), { pageSize: 1000 });
  async function* read() {
    for (const piece of [[1], [2], [3]]) yield piece;
    return null;
  }
  let turns = 0;
  const count = () => {
    turns += 1;
    if (turns < 100) setImmediate(count);
  };
  setImmediate(count);
  const seen: number[] = [];
  for await (const _piece of pace.pieces(read())) seen.push(turns);
  expect(seen[0]).toBe(0);
  expect(seen[1]).toBeGreaterThan(0);
  expect(seen[2]).toBeGreaterThan(seen[1] ?? 0);
});
