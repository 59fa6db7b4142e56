/** How far back the newest events that match are looked for. */
import { expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import {
  append,
  closed,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
  sampleTime,
  staying,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { everyEvent } from '../core/event-filter.ts';
import { PostgresStore } from './postgres-store.ts';

test('the newest that match are looked for so far back, and further where an index tells them', async () => {
  await using database = await makeDatabase();
  await using store = await PostgresStore.open({
    ...{ connectionString: database.url, nodeId: 'node-a', log, limits: { newestSeqsMax: 4 } },
  });
  const node = await store.nodes.takeOwn();
  const listener = sampleListener();
  const { id: listenerId } = listener;
  await node.append(append(1, [listenerEvent('listener_created', listener)]));
  const connections = [1, 2].map((index) =>
    sampleConnection({ listenerId, acceptedAt: sampleTime + index * 2000 }),
  );
  await node.append(append(2, connections.map(opened)));
  const newest = async (count: number, filter: object, signal = staying) =>
    await ofDefault(store).log.seqBeforeNewest(count, { ...everyEvent, ...filter }, signal);
  // The log is no longer than that.
  expect(await newest(1, { protocols: ['udp'] })).toBe(0);

  await node.append(
    append(
      3,
      connections.map((one) => closed(one)),
    ),
  );
  const tooFar = { code: 'resource_exhausted', details: { limit: 'newestSeqsMax', limitValue: 4 } };
  for (const filter of [
    { protocols: ['udp'] },
    { remoteCidrs: ['203.0.113.0/24'] },
    { protocols: ['udp'], listenerIds: [listenerId] },
    { protocols: ['udp'], types: ['connection_closed'] },
  ]) {
    await expect(newest(1, filter)).rejects.toMatchObject(tooFar);
  }
  expect(await newest(4, { protocols: ['tcp'] })).toBe(1);
  await expect(newest(5, { protocols: ['tcp'] })).rejects.toMatchObject(tooFar);
  expect(await newest(9, { listenerIds: [listenerId] })).toBe(0);
  expect(await newest(1, { types: ['listener_created'] })).toBe(0);
  expect(await newest(1, { protocols: ['udp'], connectionIds: [listenerId] })).toBe(0);

  const gone = AbortSignal.abort(new Error('gone'));
  await expect(newest(1, { protocols: ['tcp'] }, gone)).rejects.toThrow('gone');
});
