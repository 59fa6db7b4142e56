/** Faults are added, changed and taken away one by one, by their names, while a listener lives and others do so too. */
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient } from './support/grpc-client.ts';
import { want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

interface Named {
  readonly name: string;
  readonly [field: string]: unknown;
}

async function listen(faults: readonly object[] = [], fields: object = {}) {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { faults, ...fields });
  const path = `/v1/listeners/${id}/faults`;
  return {
    ...{ id, path, port: laddr.port as number },
    add: async (fault: object, status = 200) => await want(status, app, 'POST', path, fault),
    change: async (name: string, change: object, status = 200) =>
      await want(status, app, 'PATCH', `${path}/${name}`, change),
    remove: async (name: string, status = 200) =>
      await want(status, app, 'DELETE', `${path}/${name}`),
  };
}

const namesOf = ({ faults }: { faults: readonly Named[] }) => faults.map(({ name }) => name);

test('who has no name is named for its type, wherever it comes', async () => {
  const one = await listen([
    { type: 'latency', delayMs: 1 },
    { type: 'slice', averageBytes: 9, name: 'latency-2' },
    { type: 'latency', delayMs: 2 },
  ]);
  expect(namesOf(await want(200, app, 'GET', `/v1/listeners/${one.id}`))).toEqual([
    'latency',
    'latency-2',
    'latency-3',
  ]);
  expect(namesOf(await one.add({ type: 'close', afterMs: 60_000 }))).toHaveLength(4);
  const last = await one.add({ type: 'latency', delayMs: 3, name: 'mine', before: 'latency' });
  expect(namesOf(last)).toEqual(['mine', 'latency', 'latency-2', 'latency-3', 'close']);
  expect(namesOf(await one.remove('latency-2'))).toEqual(['mine', 'latency', 'latency-3', 'close']);
  const renamed = await one.change('latency', { name: 'first', delayMs: 7 });
  expect(renamed.faults[1]).toMatchObject({ name: 'first', type: 'latency', delayMs: 7 });
  const { faults } = await want(200, app, 'POST', `${one.path}:reset`);
  expect(faults).toEqual([]);
});

test('a living connection has what is added, and loses what is taken away', async () => {
  const one = await listen();
  await using client = await openClient(one.port);
  await client.echo('hello');
  await one.add({ type: 'blackhole', name: 'hole' });
  await one.change('hole', { enabled: false });
  expect(await client.echo('again')).toBe('again');
  await one.change('hole', { enabled: null });
  client.socket.write('lost');
  await one.remove('hole');
  await one.add({ type: 'close', afterBytes: 1, mode: 'rst' });
  client.socket.write('x');
  await client.ended;
  expect(client.received.toString()).not.toContain('lost');
});

test('callers at once, through both edges, do not undo each other', async () => {
  const one = await listen();
  const onGrpc = grpcClient(app.grpcAddress);
  const names = Array.from({ length: 16 }, (_, index) => `f-${index}`);
  await Promise.all(
    names.map((name, index) =>
      index % 2 === 0
        ? one.add({ type: 'latency', delayMs: 0, name })
        : grpcCall((done) => {
            const fault = { latency: { delayMs: 0 }, name };
            onGrpc.listeners.AddFault({ id: one.id, fault }, done);
          }),
    ),
  );
  const listener = await want(200, app, 'GET', `/v1/listeners/${one.id}`);
  expect(namesOf(listener).toSorted()).toEqual(names.toSorted());
  const full = await one.add({ type: 'latency', delayMs: 0 }, 400);
  expect(full.errors).toEqual([{ path: 'faults', message: 'holds at most 16' }]);
  await Promise.all(
    names.map((name, index) =>
      index % 2 === 0
        ? one.change(name, { delayMs: index })
        : grpcCall((done) => onGrpc.listeners.RemoveFault({ id: one.id, faultName: name }, done)),
    ),
  );
  const left = await want(200, app, 'GET', `/v1/listeners/${one.id}`);
  const delays = left.faults.map(({ name, delayMs }: Named) => `${name} ${delayMs}`);
  expect(delays.toSorted()).toEqual(
    names.flatMap((name, index) => (index % 2 === 0 ? [`${name} ${index}`] : [])).toSorted(),
  );
  const change = { id: one.id, faultName: 'f-2', fault: { enabled: false } };
  const answer = await grpcCall<{ listener: { faults: Named[] } }>((done) =>
    onGrpc.listeners.UpdateFault(change, done),
  );
  const changed = answer.listener.faults.find(({ name }) => name === 'f-2');
  expect(changed).toMatchObject({ enabled: false, latency: { delayMs: 2 } });
  onGrpc[Symbol.dispose]();
});

test('what can not be is refused by name, and changes nothing', async () => {
  const one = await listen([{ type: 'latency', delayMs: 1 }]);
  await one.change('nobody', { enabled: false }, 404);
  await one.remove('nobody', 404);
  await one.add({ type: 'drop', before: 'nobody' }, 404);
  const taken = await one.add({ type: 'slice', averageBytes: 1, name: 'latency' }, 409);
  expect(taken).toMatchObject({ code: 'already_exists', errors: [{ path: 'name' }] });
  const refused = async (change: object) => (await one.change('latency', change, 400)).errors;
  expect(await refused({ delayMs: -1 })).toMatchObject([{ path: 'delayMs' }]);
  expect(await refused({ type: 'close' })).toMatchObject([{ path: 'type' }]);
  expect(await refused({ averageBytes: 3 })).toMatchObject([{ path: 'averageBytes' }]);
  expect(await refused({ delayMs: null })).toMatchObject([{ path: 'delayMs' }]);
  const udp = await one.add({ type: 'drop' }, 400);
  expect(udp).toMatchObject({
    detail: expect.stringMatching(/^type: drop/),
    errors: [{ path: 'type' }],
  });
  const same = [1, 2].map(() => ({ type: 'latency', delayMs: 1, name: 'same' }));
  const twice = await want(400, app, 'POST', '/v1/listeners', { faults: same });
  expect(twice.errors).toMatchObject([{ path: 'faults[1].name' }]);
  const both = await listen([{ type: 'duplicate' }], { protocol: 'udp' });
  expect((await both.add({ type: 'duplicate' }, 400)).errors).toMatchObject([{ path: 'type' }]);
  expect(await want(200, app, 'GET', `/v1/listeners/${one.id}`)).toMatchObject({
    faults: [{ name: 'latency', delayMs: 1 }],
  });
});
