import { expect, test } from 'vitest';
import { caller, makeWorld } from '../../test/support/core-world.ts';
import { sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Caller } from './caller.ts';
import { callerGone, LeftCalls, whileThere } from './while-there.ts';

const limits = { leftCallsPerProjectMax: 2, leftCallsMax: 3 };

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

test('of calls that go on without their callers there are so many, of a project and of all', async () => {
  const calls = new LeftCalls({ limits, onFailed: () => undefined });
  const ends: (() => void)[] = [];
  const begin = () => new Promise<void>((end) => void ends.push(end));
  async function abandon(project: string): Promise<void> {
    const { caller: one, leave } = leaving();
    const left = calls.whileThere({ ...one, project }, begin);
    leave();
    await expect(left).rejects.toMatchObject(wentAway);
  }
  const refused = (project: string) => calls.whileThere({ ...caller, project }, begin);
  const tooMany = (limit: string, limitValue: number) => ({
    code: 'resource_exhausted',
    details: { limit, limitValue },
  });
  const stays = calls.whileThere({ ...caller, project: 'a' }, begin);
  await abandon('a');
  await abandon('a');
  await expect(refused('a')).rejects.toMatchObject(tooMany('leftCallsPerProjectMax', 2));
  await abandon('b');
  await expect(refused('b')).rejects.toMatchObject(tooMany('leftCallsMax', 3));
  expect(ends).toHaveLength(4);
  // Those who wait for theirs are not counted.
  for (const end of ends) end();
  await stays;
  const again = ['a', 'a', 'b'].map((project) => abandon(project));
  await Promise.all(again);
});

test('a listener that is slow to change keeps few of the changes whose callers have left', async () => {
  const world = await makeWorld();
  const calls = new LeftCalls({ limits, onFailed: () => undefined });
  const [listener] = await world.control.createListeners(caller, [sampleNewListener({})]);
  const id = listener?.id ?? '';
  const commit = Promise.withResolvers<void>();
  world.store.faults.push({ begin: commit.promise });
  const rename = (by: Caller, name: string) =>
    calls.whileThere(by, () => world.control.updateListener(by, id, { name }));
  const first = rename(caller, 'first');
  for (const name of ['one', 'two']) {
    const { caller: one, leave } = leaving();
    const change = rename(one, name);
    setImmediate(leave);
    await expect(change).rejects.toMatchObject(wentAway);
  }
  await expect(rename(caller, 'three')).rejects.toMatchObject({ code: 'resource_exhausted' });
  commit.resolve();
  await first;
  await waitFor('the last of them', () => world.set.get(id)?.listener.name === 'two');
  await rename(caller, 'four');
});
