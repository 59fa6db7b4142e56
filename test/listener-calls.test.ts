/** What a caller is promised of listeners, on real sockets: batches, names, drains, ends. */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { long } from './support/long.ts';
import { all, call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

/** A server of somebody else's, with so many ports on either side that the kernel gives to no one by itself. */
async function foreignServer(room: number): Promise<Server & { readonly port: number }> {
  for (let port = 20_000 + room; port < 30_000; port += room + 7) {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const isListening = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isListening) return Object.assign(server, { port });
  }
  throw new Error('no port is free');
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}

async function stateOf(id: string): Promise<string> {
  return (await want(200, app, 'GET', `/v1/listeners/${id}`)).state;
}

test('a hundred listeners come with one call, each serves, and each has its own port', async () => {
  const listeners = Array.from({ length: 100 }, (_, index) => ({ name: `of-batch-${index}` }));
  const made = await want(201, app, 'POST', '/v1/listeners:batch', { listeners });
  expect(made.listeners.map(({ name }: { name: string }) => name)).toEqual(
    listeners.map(({ name }) => name),
  );
  const ports = made.listeners.map((one: { laddr: { port: number } }) => one.laddr.port);
  expect(new Set(ports).size).toBe(100);
  const echoes = ports.map((port: number) => talk(port, `port ${port}`));
  expect(await Promise.all(echoes)).toEqual(ports.map((port: number) => `port ${port}`));
});

test('a port that is taken in the middle of a range leaves nothing of the range', async () => {
  const foreign = await foreignServer(100);
  const ports = { from: foreign.port - 50, to: foreign.port + 49 };
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  const { listeners } = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
  const refused = await call(app, 'POST', '/v1/listeners:batch', { ports });
  expect(refused).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: 'foreign' } });
  expect(refused.body.detail).toContain(String(foreign.port));
  for (const port of [ports.from, foreign.port - 1, foreign.port + 1, ports.to]) {
    expect(await canConnect(port), String(port)).toBe(false);
  }
  const idsOf = (some: readonly { readonly id: string }[]) => some.map(({ id }) => id);
  const left = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
  expect(idsOf(left.listeners)).toEqual(idsOf(listeners));
  // Connections of other tests may still come to their ends.
  const since = await all(app, `/v1/events?afterSeq=${headSeq}`, 'events');
  expect(since.filter((event) => event.listener !== undefined)).toEqual([]);
  foreign.close();
  await once(foreign, 'close');
  const made = await want(201, app, 'POST', '/v1/listeners:batch', { ports });
  expect(made.listeners).toHaveLength(100);
  const again = await call(app, 'POST', '/v1/listeners', { port: ports.to });
  const { id: owner } = made.listeners.at(-1);
  expect(again).toMatchObject({ status: 409, body: { code: 'port_in_use', owner } });
});

test('a name that is taken in the middle of a batch leaves nothing of the batch', async () => {
  const labels = { of: 'taken' };
  const { id: owner } = await want(201, app, 'POST', '/v1/listeners', { name: 'taken', labels });
  const listeners = ['a', 'taken', 'b'].map((name) => ({ name, labels }));
  const refused = await want(409, app, 'POST', '/v1/listeners:batch', { listeners });
  expect(refused).toMatchObject({
    detail: `listeners[1]: the name taken is taken by listener ${owner}`,
    errors: [{ path: 'listeners[1].name' }],
    owner,
  });
  const twice = ['a', 'a'].map((name) => ({ name, labels }));
  const { detail, ...rest } = await want(409, app, 'POST', '/v1/listeners:batch', {
    listeners: twice,
  });
  expect([detail, 'owner' in rest]).toEqual(['listeners[1]: the name a is taken', false]);
  const left = await want(200, app, 'GET', '/v1/listeners?label=of=taken');
  expect(left.listeners.map(({ name }: { name: string }) => name)).toEqual(['taken']);
});

test('what is refused of one of a batch is told by its place, and of a single one by its field', async () => {
  const foreign = await foreignServer(0);
  onTestFinished(() => void foreign.close());
  const cert = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----';
  const { port: own } = new URL(app.url);
  for (const [status, spec, field, isOfField] of [
    [409, { port: foreign.port }, 'port', false],
    [403, { port: Number(own) }, 'port', false],
    [403, { port: 1023 }, 'port', false],
    [400, { protocol: 'tls', tls: { cert, key } }, 'tls.cert', true],
    [400, { host: '192.0.2.1' }, 'host', true],
  ] as const) {
    const single = await want(status, app, 'POST', '/v1/listeners', spec);
    expect(single.errors).toMatchObject([{ path: field }]);
    const listeners = [{}, spec, {}];
    const batch = await want(status, app, 'POST', '/v1/listeners:batch', { listeners });
    const { detail, code, errors, owner } = batch;
    expect({ code, owner }).toEqual({ code: single.code, owner: single.owner });
    expect(errors).toEqual([{ ...single.errors[0], path: `listeners[1].${field}` }]);
    expect(detail).toBe(`listeners[1]${isOfField ? '.' : ': '}${single.detail}`);
    expect(batch).not.toHaveProperty('item');
    expect(single).not.toHaveProperty('item');
  }
  const ports = { from: foreign.port, to: foreign.port };
  const { errors } = await want(409, app, 'POST', '/v1/listeners:batch', { ports });
  expect(errors).toMatchObject([{ path: 'ports' }]);
});

test('a name stands for the id while the listener is not closed, and is free after it', async () => {
  const first = await want(201, app, 'POST', '/v1/listeners', { name: 'tour' });
  expect(await want(200, app, 'GET', '/v1/listeners/tour')).toEqual(first);
  await want(200, app, 'PATCH', '/v1/listeners/tour', { name: 'trip' });
  await want(404, app, 'GET', '/v1/listeners/tour');
  await want(204, app, 'DELETE', '/v1/listeners/trip');
  await want(404, app, 'DELETE', '/v1/listeners/trip');
  const second = await want(201, app, 'POST', '/v1/listeners', { name: 'trip' });
  expect(second.id).not.toBe(first.id);
  expect(await stateOf(first.id)).toBe('closed');
});

test('what only a create has can not be changed, and is said so', async () => {
  const { id } = await want(201, app, 'POST', '/v1/listeners', {});
  const patch = { port: 1, host: '::1', protocol: 'udp', placement: null, foo: 1 };
  const { errors } = await want(400, app, 'PATCH', `/v1/listeners/${id}`, patch);
  const fixed = 'can not be changed after creation';
  expect(errors.map(({ message }: { message: string }) => message)).toEqual([
    ...Array(4).fill(fixed),
    'is not a field of this request',
  ]);
  for (const [path, field] of [
    ['/v1/projects/default', 'name'],
    [`/v1/keys/${id}`, 'scopes'],
    ['/v1/nodes/any', 'name'],
  ] as const) {
    const refused = await want(400, app, 'PATCH', path, { [field]: 'x' });
    expect(refused.detail).toBe(`${field}: ${fixed}`);
  }
});

test('labels that are all given must all hold', async () => {
  for (const labels of [{ env: 'ci', team: 'net' }, { env: 'ci' }, { env: 'prod', team: 'net' }]) {
    await want(201, app, 'POST', '/v1/listeners', { labels });
  }
  const found = async (query: string) =>
    (await want(200, app, 'GET', `/v1/listeners?${query}`)).listeners.length;
  expect(await found('label=env=ci')).toBe(2);
  expect(await found('label=env=ci&label=team=net')).toBe(1);
  expect(await found('label=env=ci&label=team=qa')).toBe(0);
  await want(400, app, 'GET', '/v1/listeners?label=env');
});

test('a listener whose time is over closes by itself, with its connections', async () => {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { ttlMs: 60_000 });
  await using client = await openClient(laddr.port);
  await client.echo('x');
  const expiring = await want(200, app, 'PATCH', `/v1/listeners/${id}`, { ttlMs: 1 });
  expect(Date.parse(expiring.expiresAt)).toBeLessThan(Date.now() + 1000);
  await client.ended;
  await waitFor('the end', async () => (await stateOf(id)) === 'closed');
  const { connections } = await want(200, app, 'GET', `/v1/connections?listener=${id}`);
  expect(connections).toMatchObject([{ closeReason: 'listener_deleted' }]);
  expect(await canConnect(laddr.port)).toBe(false);
});

test(
  'while it drains, connections end by themselves; those left are closed at the end of it',
  long,
  async () => {
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'draining' });
    await using leaves = await openClient(laddr.port);
    await using stays = await openClient(laddr.port);
    const [leavesPort, staysPort] = [leaves, stays].map(({ socket }) => socket.localPort);
    for (const client of [leaves, stays]) await client.echo('x');
    const began = performance.now();
    const deleted = want(204, app, 'DELETE', '/v1/listeners/draining?drainMs=700');
    await waitFor('the drain', async () => (await stateOf(id)) === 'draining');
    // It is on record before the port is free; who gets in until then is a connection of the listener, too.
    await waitFor('nobody to be let in', async () => !(await canConnect(laddr.port)));
    await want(409, app, 'PATCH', `/v1/listeners/${id}`, { labels: {} });
    // Both go on being served meanwhile.
    expect(await stays.echo('still')).toBe('still');
    expect(await leaves.echo('here')).toBe('here');
    leaves.socket.end();
    await Promise.all([leaves.ended, deleted]);
    expect(performance.now() - began).toBeGreaterThan(650);
    const { connections } = await want(200, app, 'GET', `/v1/connections?listener=${id}`);
    const endOf = (own: number | undefined) =>
      connections.find(({ raddr }: { raddr: { port: number } }) => raddr.port === own);
    expect(endOf(leavesPort)).toMatchObject({ closeReason: 'peer_fin', closeInitiator: 'peer' });
    expect(endOf(staysPort)).toMatchObject({
      closeReason: 'listener_deleted',
      closeInitiator: 'operator',
    });
    expect(await stateOf(id)).toBe('closed');
  },
);

test('a drain is over as soon as its last connection is', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'draining' });
  await using client = await openClient(laddr.port);
  await client.echo('x');
  const deleted = want(204, app, 'DELETE', '/v1/listeners/draining?drainMs=86400000');
  await waitFor('the drain', async () => !(await canConnect(laddr.port)));
  client.socket.end();
  await deleted;
});

test('a second delete makes a drain end sooner', async () => {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  const path = `/v1/listeners/${id}`;
  const patient = want(204, app, 'DELETE', `${path}?drainMs=86400000`);
  await waitFor('the drain', async () => (await stateOf(id)) === 'draining');
  const impatient = want(204, app, 'DELETE', path);
  await client.ended;
  await Promise.all([patient, impatient]);
  expect(await stateOf(id)).toBe('closed');
});

test('create after delete takes the very same port at once', long, async () => {
  const first = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = first.laddr;
  for (let round = 0; round < 20; round++) {
    const { id } = await want(200, app, 'GET', `/v1/listeners?port=${port}`).then(
      ({ listeners }) => listeners[0],
    );
    const lingering = connect(port, '127.0.0.1');
    // Whom nobody has accepted yet when the port is closed is reset by the kernel.
    lingering.on('error', () => undefined);
    await once(lingering, 'connect');
    await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    lingering.destroy();
    await want(201, app, 'POST', '/v1/listeners', { port });
  }
});
