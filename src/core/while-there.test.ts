import { expect, test } from 'vitest';
import { caller, makeWorld } from '../../test/support/core-world.ts';
import { sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { callerGone, whileThere } from './while-there.ts';

function leaving() {
  const gone = new AbortController();
  return { caller: { ...caller, signal: gone.signal }, leave: () => gone.abort(callerGone()) };
}

const wentAway = { code: 'unavailable', message: 'the caller went away' };

test('who waits ends with its caller, and what it waits for goes on', async () => {
  const { caller: one, leave } = leaving();
  const work = Promise.withResolvers<string>();
  const waiting = whileThere(one, work.promise);
  leave();
  await expect(waiting).rejects.toMatchObject(wentAway);
  work.resolve('done');
  expect(await whileThere(caller, work.promise)).toBe('done');
  // What fails once nobody waits for it is no unhandled rejection.
  await expect(whileThere(one, Promise.reject(new Error('late')))).rejects.toMatchObject(wentAway);
});

test('a create whose caller leaves before its commit leaves nothing behind', async () => {
  const world = await makeWorld();
  const { caller: one, leave } = leaving();
  const bind = Promise.withResolvers<void>();
  world.dataPlane.gates.open = bind.promise;
  const input = sampleNewListener({ name: 'mine', port: 7000 });
  const created = world.control.createListeners(one, [input]);
  await waitFor('the bind', () => world.dataPlane.calls.length === 1);
  leave();
  bind.resolve();
  await expect(created).rejects.toMatchObject(wentAway);
  expect(world.dataPlane.bound.size).toBe(0);
  expect(world.set.size).toBe(0);
  expect(world.history).toEqual([]);
  await world.control.createListeners(caller, [input]);
});

test('a delete goes on without its caller', async () => {
  const world = await makeWorld();
  const [listener] = await world.control.createListeners(caller, [sampleNewListener({})]);
  const { caller: one, leave } = leaving();
  const end = Promise.withResolvers<void>();
  world.dataPlane.gates.endWish = end.promise;
  const id = listener?.id ?? '';
  const deleted = world.control.deleteListener(one, id, 0);
  await waitFor('the close', () => world.dataPlane.calls.some(({ kind }) => kind === 'endWish'));
  leave();
  await expect(deleted).rejects.toMatchObject(wentAway);
  end.resolve();
  await waitFor('its end', () => world.typesOf(id).includes('listener_closed'));
});

test('no read begins for a caller who is gone', async () => {
  const { control } = await makeWorld();
  const { caller: one, leave } = leaving();
  leave();
  const id = sampleId(1);
  const anyListener = { state: null, protocol: null, port: null, name: null, labels: {} };
  const page = { pageSize: 1, pageToken: null };
  await expect(control.getListener(one, id)).rejects.toMatchObject(wentAway);
  await expect(control.listListeners(one, anyListener, page)).rejects.toMatchObject(wentAway);
  await expect(control.getConnection(one, id)).rejects.toMatchObject(wentAway);
  await expect(control.closeConnection(one, id, 'rst')).rejects.toMatchObject(wentAway);
  await expect(control.updateListener(one, id, {})).rejects.toMatchObject(wentAway);
  await expect(control.deleteListener(one, id, 0)).rejects.toMatchObject(wentAway);
});
