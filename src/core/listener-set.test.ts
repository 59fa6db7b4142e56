import { expect, test } from 'vitest';
import { caller, createListener, makeWorld } from '../../test/support/core-world.ts';
import { rejection, sampleListener, sampleNewListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';
import { ListenerSet } from './listener-set.ts';

test('what waits for its turn while the place is lost is not told that somebody closed the listener', async () => {
  const set = new ListenerSet();
  const turn = Promise.withResolvers<void>();
  const listener = sampleListener();
  set.add(listener, { tlsKey: null }, turn.promise);
  const waiting = set.inTurn(listener.id, async () => undefined);
  set.end(new AppError('unavailable', 'the node is not connected'));
  turn.resolve();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(set.inTurn(listener.id, async () => undefined)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('a create that is refused for a name that another has just been given leaves it to that one', async () => {
  const world = await makeWorld();
  const one = await createListener(world.control, sampleNewListener({ name: 'one' }));
  const commit = Promise.withResolvers<void>();
  world.store.faults.push({ begin: commit.promise });
  const renamed = world.control.updateListener(caller, one.id, { name: 'wanted' });
  const made = rejection(createListener(world.control, sampleNewListener({ name: 'wanted' })));
  await waitFor('its bind', () => world.dataPlane.bound.size === 2);
  commit.resolve();
  await renamed;
  expect(await made).toMatchObject({ code: 'already_exists' });
  expect(world.set.findId(one.project, 'wanted')).toBe(one.id);
});
