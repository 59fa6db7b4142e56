import { expect, test } from 'vitest';
import { bindingOf } from '../../test/support/data-plane-contract.ts';
import { FakeDataPlane } from '../../test/support/fake-data-plane.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Observed } from '../core/ports.ts';
import { projectRef } from '../core/project.ts';
import { WishKeeper } from './wish-keeper.ts';

/** A keeper over a data plane without sockets, and what its session hears. */
function kept({ holdMs = 60_000 } = {}) {
  const told: Observed[] = [];
  const limited: unknown[] = [];
  const plane = new FakeDataPlane({
    onRecords: async () => undefined,
    onWorkerLost: () => undefined,
    onObserved: (observed) => keeper.observed(observed),
  });
  const limitProject = (...limit: Parameters<FakeDataPlane['limitProject']>) => {
    limited.push(limit);
  };
  const keeper: WishKeeper = new WishKeeper({
    plane: Object.assign(plane, { limitProject }),
    ...{ holdMs, isPrivilegedAllowed: false },
    onFatal(error) {
      throw error;
    },
  });
  const begin = () => {
    told.length = 0;
    keeper.begin((observed) => void told.push(observed));
  };
  begin();
  return { keeper, plane, told, limited, begin };
}

const listeners = ({ plane }: ReturnType<typeof kept>) => plane.status()[0]?.listeners;

test('an open that comes again has the same answer', async () => {
  const { keeper } = kept();
  const binding = bindingOf();
  const [one, other] = await Promise.all([keeper.open(binding), keeper.open(binding)]);
  expect(other).toEqual(one);
  expect(await keeper.open(binding)).toEqual(one);
  await keeper.wish({ generation: 1, binding });
  expect(await keeper.open(binding)).toEqual(one);
});

test('what is wished is not let go of, and a hold is let go of once', async () => {
  const world = kept();
  const { keeper } = world;
  const [wished, held] = [bindingOf(), bindingOf()];
  await keeper.open(wished);
  await keeper.wish({ generation: 1, binding: wished });
  await keeper.release(wished.listenerId);
  expect(listeners(world)).toBe(1);
  await keeper.open(held);
  expect(listeners(world)).toBe(2);
  await Promise.all([keeper.release(held.listenerId), keeper.release(held.listenerId)]);
  expect(listeners(world)).toBe(1);
  // And can be had again.
  await keeper.open(held);
  expect(listeners(world)).toBe(2);
});

test('a hold whose wish does not come is let go of, and one that is wished stays', async () => {
  const world = kept({ holdMs: 20 });
  const { keeper } = world;
  const [wished, held] = [bindingOf(), bindingOf()];
  await keeper.open(wished);
  await keeper.open(held);
  await keeper.wish({ generation: 1, binding: wished });
  await waitFor('the end of the hold', () => listeners(world) === 1);
  await keeper.wish({ generation: 2, binding: wished });
  expect(world.told.at(-1)).toMatchObject({ generation: 2, state: 'bound' });
});

test('the next session hears again what it names, and nothing of what it does not', async () => {
  const world = kept();
  const { keeper, told, begin } = world;
  const [named, other] = [bindingOf(), bindingOf()];
  for (const binding of [named, other]) await keeper.wish({ generation: 3, binding });
  begin();
  await keeper.wish({ generation: 3, binding: named });
  expect(told).toMatchObject([{ listenerId: named.listenerId, generation: 3, state: 'bound' }]);
  keeper.wishEnd();
  await waitFor('the end of the other', () => listeners(world) === 1);
  expect(told).toHaveLength(1);
  // Named later all the same, it comes again.
  await keeper.wish({ generation: 3, binding: other });
  expect(told.at(-1)).toMatchObject({ listenerId: other.listenerId, state: 'bound' });
  expect(listeners(world)).toBe(2);
});

test('an end is told, of what is not there too', async () => {
  const { keeper, told } = kept();
  const binding = bindingOf();
  await keeper.wish({ generation: 1, binding });
  keeper.endWish({ listenerId: binding.listenerId, generation: 2, drainMs: 0 });
  const strange = bindingOf().listenerId;
  keeper.endWish({ listenerId: strange, generation: 5, drainMs: 0 });
  const gone = () => told.filter(({ state }) => state === 'gone');
  await waitFor('both', () => gone().length === 2);
  expect(new Set(gone().map(({ listenerId }) => listenerId))).toEqual(
    new Set([binding.listenerId, strange]),
  );
});

test('the bound of a project that no session names any more is none', () => {
  const { keeper, limited, begin } = kept();
  const limits = { maxConnections: 1, maxConnectionsPerSource: null, acceptRate: null };
  const [one, two] = [projectRef(1), projectRef(2)];
  keeper.limitProject(one, limits);
  keeper.limitProject(two, limits);
  keeper.wishEnd();
  begin();
  keeper.limitProject(two, limits);
  limited.length = 0;
  keeper.wishEnd();
  expect(limited).toEqual([[one, null]]);
});

test('privileged ports are not bound where they are not allowed', async () => {
  const world = kept();
  await expect(world.keeper.open(bindingOf({ port: 443 }))).rejects.toMatchObject({
    code: 'port_privileged',
  });
  expect(listeners(world)).toBe(0);
});
