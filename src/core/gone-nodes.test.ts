import { expect, test } from 'vitest';
import { createListener, makeWorld } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { rejection, sampleNewListener } from '../../test/support/samples.ts';

test('a node that came back is not lost to who removes it, though nothing was left of it', async () => {
  const world = await makeWorld();
  const { goneNodes } = world.control;
  const store = new MemoryStore({ database: world.store.database, nodeId: 'node-b' });
  await createListener((await makeWorld({ store })).control, sampleNewListener());
  store.leave();
  await goneNodes.lose('node-b', { isRemoved: true });
  const back = await store.nodes.takeOwn();
  expect(await rejection(goneNodes.lose('node-b', { isRemoved: true }))).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('node-b, which is up'),
  });
  expect(await back.append({ number: 1, entries: [] })).toEqual(new Map());
});
