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
  ['connections', '/v1/connections?'],
  ['connections', '/v1/connections?protocol=tcp&'],
  ['events', '/v1/events?order=desc&'],
  ['events', '/v1/events?type=connection_opened&'],
])('beside another project a page of %s is read in pieces, and is the same', async (name, path) => {
  const loop = new LoopShares<ProjectRef>(limits);
  await using edge = await restEdge({ loop });
  const ids = Array.from({ length: 20 }, (_, n) => sampleId(n + 1));
  await edge.eventLog.append(ids.map((id) => sampleEvent({ id })));
  const asked = watchReads(edge);
  const pages = async () => {
    const found: unknown[] = [];
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
  expect(alone.at(-1)).toMatchObject({ [name]: { length: 20 } });
  expect(Math.max(...asked)).toBeGreaterThanOrEqual(20);
  asked.length = 0;
  for (const project of [1, 2]) loop.neighbours.saw(projectRef(project));
  expect(await pages()).toEqual(alone);
  // Of connections one more tells whether there are more.
  const { readItemsMax } = limits;
  expect(Math.max(...asked)).toBe(name === 'connections' ? readItemsMax + 1 : readItemsMax);
});
