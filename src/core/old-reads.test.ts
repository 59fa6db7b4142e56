import { expect, test } from 'vitest';
import { LoopShares } from './loop-shares.ts';
import type { OldReader } from './old-reads.ts';

function makeReads(projects: string) {
  const limits = { pieceItemsMax: 10, oldPiecesPerProjectMax: 2, turnMs: 0, restMs: 0 };
  const loop = new LoopShares<string>({ ...limits, besideMs: 3_600_000 });
  for (const project of projects) loop.neighbours.saw(project);
  return { loop, reader: (project: string) => loop.oldReads.reader(project) };
}

const { signal } = new AbortController();
const asked = async (eventsMax: number) => eventsMax;

async function send(reader: OldReader<string>, count: number): Promise<readonly number[]> {
  const sizes: number[] = [];
  const items = Array.from({ length: count }, (_, n) => n);
  for await (const piece of reader.pieces(items)) sizes.push(piece.length);
  return sizes;
}

async function loopTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('beside other projects a read is of one piece, and alone of all that is asked for', async () => {
  expect(await makeReads('a').reader('a').read(1000, asked, signal)).toBe(1000);
  const { reader } = makeReads('ab');
  expect(await reader('a').read(1000, asked, signal)).toBe(10);
  expect(await reader('a').read(3, asked, signal)).toBe(3);
});

test('a project has two pieces until they may be sent; those of others pass, and what is short', async () => {
  const { reader } = makeReads('ab');
  const two = [reader('a'), reader('a')] as const;
  for (const one of two) await one.read(100, asked, signal);
  let isThere = false;
  const third = reader('a')
    .read(100, asked, signal)
    .then(() => {
      isThere = true;
    });
  expect(await reader('b').read(100, asked, signal)).toBe(10);
  expect(await reader('a').read(10, asked, signal)).toBe(10);
  await loopTurns(10);
  expect(isThere).toBe(false);
  expect(await send(two[0], 10)).toEqual([10]);
  await third;
});

test('the place is free when a piece is on its way, however long its reader takes', async () => {
  const { reader } = makeReads('ab');
  for (const _ of [1, 2, 3]) {
    const one = reader('a');
    await one.read(100, asked, signal);
    await one.pieces([1]).next();
  }
});

test('the only piece of a read waits for its turn, behind that of another project', async () => {
  const { loop, reader } = makeReads('ab');
  const order: string[] = [];
  const others = [1, 2].map(() => loop.long.next('b').then(() => order.push('b')));
  const one = reader('a');
  await one.read(100, asked, signal);
  await Promise.all([...others, send(one, 1).then(() => order.push('a'))]);
  expect(order).toEqual(['b', 'a', 'b']);
});

test('who ends leaves the line, and gives back the place', async () => {
  const { reader } = makeReads('ab');
  const two = [reader('a'), reader('a')] as const;
  for (const one of two) await one.read(100, asked, signal);
  const gone = new AbortController();
  const left = reader('a').read(100, asked, gone.signal);
  gone.abort(new Error('the reader went away'));
  await expect(left).rejects.toThrow('the reader went away');
  {
    using _ended = two[0];
  }
  expect(await reader('a').read(100, asked, signal)).toBe(10);
});

test('a reader that reads on without a piece to send has one place, and what fails keeps none', async () => {
  const { reader } = makeReads('ab');
  const one = reader('a');
  for (const _ of [1, 2, 3]) await one.read(100, asked, signal);
  const failing = async () => Promise.reject(new Error('the store is away'));
  for (const _ of [1, 2, 3]) {
    using other = reader('a');
    await expect(other.read(100, failing, signal)).rejects.toThrow('the store is away');
  }
});
