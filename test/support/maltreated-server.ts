/** A server to be maltreated, a store on it, and what its callers are to see meanwhile. */
import { expect } from 'vitest';
import { PostgresStore, type PostgresStoreLimits } from '../../src/postgres/postgres-store.ts';
import { makeDataDirs, startEmbedded } from './embedded-servers.ts';

const nothing = () => undefined;
export const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
export const unavailable = { code: 'unavailable', details: { retryAfterMs: expect.any(Number) } };

/** A server of a test's own, to be maltreated, and a store on it. */
export async function makeGround(limits: Partial<PostgresStoreLimits> = {}) {
  await using resources = new AsyncDisposableStack();
  const dirs = resources.use(await makeDataDirs());
  const server = resources.use(await startEmbedded(await dirs.make()));
  const { connectionString } = server;
  const store = resources.use(
    await PostgresStore.open({ connectionString, nodeId: 'node-a', log, limits }),
  );
  const node = await store.nodes.takeOwn();
  const owned = resources.move();
  return { server, store, node, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** For waiting: not yet, as long as it is away; anything else is a failure. */
export function isAway(error: unknown): null {
  expect(error).toMatchObject(unavailable);
  return null;
}
