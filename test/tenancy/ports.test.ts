/** Where projects may listen, on a node whose listeners are reached from outside. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { freePort, sparePorts } from '../support/free-port.ts';
import { call as grpcCall, grpcClient } from '../support/grpc-client.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { makeHome, sharedApp, startApp, type TestApp } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const { from, to } = sparePorts;
const app = sharedApp({
  KODAMA_API_TOKEN: token,
  KODAMA_LISTEN_HOST: '0.0.0.0',
  KODAMA_LISTEN_PORTS: `${from}-${to}`,
});
const operator = { authorization: `Bearer ${token}` };
const of = (project: string) => ({ ...operator, 'kodama-project': project });

async function makeProject(name: string, bindHosts: readonly string[] | null = null) {
  await want(201, app, 'POST', '/v1/projects', { name, bindHosts }, operator);
  return of(name);
}

test('projects listen on the ports for all, and default on any', async () => {
  const team = await makeProject('within');
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {}, team);
  expect(laddr.ip).toBe('0.0.0.0');
  expect(laddr.port).toBeGreaterThanOrEqual(from);
  expect(laddr.port).toBeLessThanOrEqual(to);
  const port = await freePort();
  const refused = await want(403, app, 'POST', '/v1/listeners', { port }, team);
  expect(refused).toMatchObject({ code: 'port_reserved' });
  await want(201, app, 'POST', '/v1/listeners', { port }, operator);
});

test('a project that lets port after port go keeps few from others', async () => {
  const few = await makeProject('few');
  const made = [1, 2].map(() => want(201, app, 'POST', '/v1/listeners', {}, few));
  const [one, other] = await Promise.all(made);
  await want(200, app, 'PATCH', '/v1/projects/few', { quotas: { listeners: 1 } }, operator);
  for (const { id } of [one, other]) {
    await want(204, app, 'DELETE', `/v1/listeners/${id}`, undefined, few);
  }
  const neighbour = await makeProject('neighbour');
  await want(201, app, 'POST', '/v1/listeners', { port: one.laddr.port }, neighbour);
  expect(
    await want(409, app, 'POST', '/v1/listeners', { port: other.laddr.port }, neighbour),
  ).toMatchObject({
    owner: 'resting',
  });
});

test('a port is its own project’s when the delete answers, and rests for others', async () => {
  const [team, others] = [await makeProject('former'), await makeProject('next')];
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {}, team);
  const { port } = laddr;
  await want(204, app, 'DELETE', `/v1/listeners/${id}`, undefined, team);
  const again = await want(201, app, 'POST', '/v1/listeners', { port }, team);
  await want(204, app, 'DELETE', `/v1/listeners/${again.id}`, undefined, team);
  // Nor is it kept under a key: who comes again when told to has another answer.
  const once = { ...operator, 'idempotency-key': 'resting' };
  for (const headers of [others, operator, once, once]) {
    const {
      status: code,
      body,
      ...rest
    } = await call(...([app, 'POST', '/v1/listeners', { port }, headers] as const));
    expect([code, body.code, body.owner]).toEqual([409, 'port_in_use', 'resting']);
    expect(rest.headers.get('idempotent-replayed')).toBeNull();
    const seconds = Number(rest.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
  }
  using client = grpcClient(app.grpcAddress, { token });
  const refused = grpcCall((done) =>
    client.listeners.CreateListener({ port }, client.metadata, done),
  );
  await expect(refused).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
});

test('loopback is for default alone, and a project listens at its hosts only', async () => {
  const team = await makeProject('outside');
  const inside = { host: '127.0.0.1' };
  const refused = await want(403, app, 'POST', '/v1/listeners', inside, team);
  expect(refused).toMatchObject({ code: 'permission_denied', errors: [{ path: 'host' }] });
  await want(201, app, 'POST', '/v1/listeners', inside, operator);
  const bound = await makeProject('bound', ['10.0.0.0/8']);
  const beyond = await want(403, app, 'POST', '/v1/listeners', {}, bound);
  expect(beyond).toMatchObject({ code: 'permission_denied', errors: [{ path: 'host' }] });
  using client = grpcClient(app.grpcAddress, { token });
  client.metadata.set('kodama-project', 'bound');
  const denied = grpcCall((done) => client.listeners.CreateListener({}, client.metadata, done));
  await expect(denied).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  await want(200, app, 'PATCH', '/v1/projects/bound', { bindHosts: null }, operator);
  await expect
    .poll(() => call(app, 'POST', '/v1/listeners', {}, bound).then((reply) => reply.status), {
      timeout: 30_000,
    })
    .toBe(201);
});

test('a port rests for others after a restart too', long, async () => {
  await using own = await makeHome({ KODAMA_API_TOKEN: token });
  const listeners = (kodama: TestApp, project: string, spec: object, code: number) =>
    want(code, kodama, 'POST', '/v1/listeners', spec, of(project));
  let port = 0;
  {
    await using first = await startApp({}, own);
    for (const name of ['former', 'next']) {
      await want(201, first, 'POST', '/v1/projects', { name }, operator);
    }
    const { id, laddr } = await listeners(first, 'former', {}, 201);
    port = laddr.port;
    await want(204, first, 'DELETE', `/v1/listeners/${id}`, undefined, of('former'));
  }
  await using second = await startApp({}, own);
  const refused = await listeners(second, 'next', { port }, 409);
  expect(refused).toMatchObject({ code: 'port_in_use', owner: 'resting' });
});
