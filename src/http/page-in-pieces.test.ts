import { expect, test } from 'vitest';
import { want } from '../../test/support/rest-client.ts';
import { type RestEdge, restEdge } from '../../test/support/rest-edge.ts';
import { sampleEvent, sampleId } from '../../test/support/samples.ts';
import type { EventLog } from '../core/event-log.ts';
import { LoopShares } from '../core/loop-shares.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';

const limits = { pieceItemsMax: 5, turnMs: 0, restMs: 0, besideMs: 3_600_000, readItemsMax: 3 };

/** How many items each read was asked for. */
function watchReads({ store, eventLog }: RestEdge): number[] {
  const asked: number[] = [];
  const storeOf = store.of.bind(store);
  store.of = (project) => {
    const own = storeOf(project);
    const list: typeof own.connections.list = (query, page) => {
      asked.push(page.pageSize);
      return own.connections.list(query, page);
    };
    return { ...own, connections: { ...own.connections, list } };
  };
  for (const name of ['read', 'readBack'] as const) {
    const read = eventLog[name].bind(eventLog) as EventLog['read'];
    eventLog[name] = (seq: number, limit: number, ...rest: readonly never[]) => {
      asked.push(limit);
      return read(seq, limit, ...rest);
    };
  }
  return asked;
}

test.each([
  ['connections', 20, '/v1/connections?'],
  ['connections', 20, '/v1/connections?protocol=tcp&'],
  ['events', 20, '/v1/events?order=desc&'],
  ['events', 20, '/v1/events?type=connection_opened&'],
  // Most pieces hold nothing of it.
  ['events', 2, `/v1/events?connectionId=${sampleId(7)}&connectionId=${sampleId(15)}&`],
])(
  'beside another project a page of %s is read in pieces, and is the same',
  async (name, count, path) => {
    const loop = new LoopShares<ProjectRef>(limits);
    await using edge = await restEdge({ loop });
    const ids = Array.from({ length: 20 }, (_, n) => sampleId(n + 1));
    await edge.eventLog.append(ids.map((id) => sampleEvent({ id })));
    const asked = watchReads(edge);
    const pages = async () => {
      const found: Record<string, unknown[]>[] = [];
      for (const pageSize of [1, 3, 4, 7, 19, 20, 21]) {
        for (let pageToken = ''; ; ) {
          const page = await want(
            200,
            edge,
            'GET',
            `${path}pageSize=${pageSize}&pageToken=${pageToken}`,
          );
          found.push(page);
          pageToken = page.nextPageToken ?? '';
          if (pageToken === '') break;
        }
      }
      return found;
    };
    const alone = await pages();
    expect(alone.at(-1)).toMatchObject({ [name]: { length: count } });
    expect(Math.max(...asked)).toBeGreaterThanOrEqual(20);
    asked.length = 0;
    for (const project of [1, 2]) loop.neighbours.saw(projectRef(project));
    const beside = await pages();
    const itemsOf = (found: Awaited<ReturnType<typeof pages>>) =>
      found.flatMap((page) => page[name]);
    expect(itemsOf(beside)).toEqual(itemsOf(alone));
    // Where a filter leaves out most, a page may end where a read did.
    if (count === 20) expect(beside).toEqual(alone);
    // Of connections one more tells whether there are more.
    const { readItemsMax } = limits;
    expect(Math.max(...asked)).toBe(name === 'connections' ? readItemsMax + 1 : readItemsMax);
  },
);

test('a page ends with what is there, where what is behind it is purged meanwhile', async () => {
  const loop = new LoopShares<ProjectRef>(limits);
  await using edge = await restEdge({ loop });
  await edge.eventLog.append(Array.from({ length: 20 }, () => sampleEvent()));
  for (const project of [1, 2]) loop.neighbours.saw(projectRef(project));
  const { eventLog } = edge;
  const read = eventLog.read.bind(eventLog);
  eventLog.read = async (seq, ...rest) => {
    if (seq >= 6) eventLog.expire(15);
    return await read(seq, ...rest);
  };
  const page = await want(200, edge, 'GET', '/v1/events?pageSize=20');
  expect(page.events.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  const next = `/v1/events?pageSize=20&pageToken=${page.nextPageToken}`;
  expect(await want(410, edge, 'GET', next)).toMatchObject({ code: 'cursor_expired' });
});

test('beside another project the last piece of a page is read no longer than it is', async () => {
  const loop = new LoopShares<ProjectRef>(limits);
  await using edge = await restEdge({ loop });
  await edge.eventLog.append(Array.from({ length: 20 }, () => sampleEvent()));
  for (const project of [1, 2]) loop.neighbours.saw(projectRef(project));
  const asked = watchReads(edge);
  const page = await want(200, edge, 'GET', '/v1/events?pageSize=7');
  expect(page.events).toHaveLength(7);
  expect(asked).toEqual([3, 3, 1]);
});

test('a long page leaves in turns of its project, as long as it says, and a HEAD tells as much', async () => {
  const loop = new LoopShares<ProjectRef>(limits);
  await using edge = await restEdge({ loop });
  await edge.eventLog.append(Array.from({ length: 20 }, () => sampleEvent()));
  const next = loop.long.next.bind(loop.long);
  let turns = 0;
  loop.long.next = (project) => {
    turns += 1;
    return next(project);
  };
  const path = `${edge.url}/v1/events?pageSize=20`;
  const answer = await fetch(path);
  const bytes = (await answer.arrayBuffer()).byteLength;
  expect(Number(answer.headers.get('content-length'))).toBe(bytes);
  // More than those in which its pieces are made.
  expect(turns).toBeGreaterThan(20 / limits.pieceItemsMax);
  const head = await fetch(path, { method: 'HEAD' });
  expect([head.status, Number(head.headers.get('content-length'))]).toEqual([200, bytes]);
});
