import { expect, test } from 'vitest';
import { caller, makeWorld } from '../../test/support/core-world.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { StoreProbe } from './store-probe.ts';

const hour = 3_600_000;

/** Each ping is answered by the test. */
function heldStore() {
  const pings: PromiseWithResolvers<boolean>[] = [];
  const ping = () => {
    const asked = Promise.withResolvers<boolean>();
    pings.push(asked);
    return asked.promise;
  };
  return { pings, ping };
}

test('a store is asked once by all who ask meanwhile, and again only when the answer is old', async () => {
  const store = heldStore();
  const probe = new StoreProbe(store, hour);
  expect(probe.isThere).toBe(true);
  const asked = [probe.ask(), probe.ask(hour)];
  store.pings[0]?.reject(new Error('away'));
  expect(await Promise.all(asked)).toEqual([false, false]);
  expect([await probe.ask(hour), probe.isThere, store.pings.length]).toEqual([false, false, 1]);
  const again = probe.ask();
  store.pings[1]?.resolve(true);
  expect([await again, probe.isThere, store.pings.length]).toEqual([true, true, 2]);
});

test('a store that answers may have no connections left, and that is told by itself', async () => {
  const { pings, ping } = heldStore();
  const store = Object.assign(new MemoryStore(), { ping });
  const { control } = await makeWorld({ store });
  const told = async (answer: boolean) => {
    const asked = control.problems();
    pings.pop()?.resolve(answer);
    return await asked;
  };
  expect(await told(false)).toEqual(['the database gives no connections']);
  expect(await told(true)).toEqual([]);
});

test('a store that says nothing counts as away in time', async () => {
  const probe = new StoreProbe(heldStore(), 1);
  expect([await probe.ask(), probe.isThere]).toEqual([false, false]);
});

test('a store that is away is told as such where nothing is to be committed, too', async () => {
  const { control, store } = await makeWorld();
  const told = async () => [
    await control.isStoreReachable(),
    (await control.getStatus(caller)).store?.state,
  ];
  expect(await told()).toEqual([true, 'reachable']);
  store.isAway = true;
  expect(await told()).toEqual([false, 'away']);
  store.isAway = false;
  expect(await told()).toEqual([true, 'reachable']);
});

test('however many ask whether the node is ready, the store is asked once in a while', async () => {
  const { pings, ping } = heldStore();
  const store = Object.assign(new MemoryStore(), { ping });
  const { control } = await makeWorld({ store, pingAgeMs: hour });
  const crowd = Array.from({ length: 100 }, () => control.problems());
  pings[0]?.reject(new Error('away'));
  expect(new Set((await Promise.all(crowd)).flat())).toEqual(new Set(['the store is away']));
  expect([await control.problems(), pings.length]).toEqual([['the store is away'], 1]);
});
