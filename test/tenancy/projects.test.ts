/** Projects on a whole kodama: each has what is its own, and sees nothing else. */
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient, streamEvents } from '../support/grpc-client.ts';
import { call, type Reply, want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, projectsMax: 8 },
}));
const operator = { authorization: `Bearer ${token}` };
const of = (project: string) => ({ ...operator, 'kodama-project': project });

let made = 0;

async function keyOf(project: string): Promise<Readonly<Record<string, string>>> {
  made += 1;
  const body = { name: `key-${made}`, scopes: ['read', 'write', 'keys:read'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', body, of(project));
  return { authorization: `Bearer ${secret}` };
}

test('a project is made, read, listed and changed', async () => {
  const body = { name: 'team-a', displayName: 'Team A', quotas: { listeners: 3 } };
  const made = await want(201, app, 'POST', '/v1/projects', body, operator);
  expect(made).toMatchObject({ ...body, state: 'active', bindHosts: null, quotas: { keys: null } });
  expect(await want(200, app, 'GET', '/v1/projects/team-a', undefined, operator)).toEqual(made);
  expect(await want(409, app, 'POST', '/v1/projects', body, operator)).toMatchObject({
    ...{ code: 'already_exists', errors: [{ path: 'name' }] },
  });
  const patch = { quotas: { keys: 2 }, bindHosts: ['127.0.0.0/8'] };
  const patched = await want(200, app, 'PATCH', '/v1/projects/team-a', patch, operator);
  expect(patched).toMatchObject({ quotas: { listeners: 3, keys: 2 }, displayName: 'Team A' });
  expect(patched.bindHosts).toEqual(['127.0.0.0/8']);
  const none = { quotas: null, bindHosts: null, displayName: null };
  const bare = await want(200, app, 'PATCH', '/v1/projects/team-a', none, operator);
  const quotas = Object.fromEntries(Object.keys(made.quotas).map((name) => [name, null]));
  expect(bare).toMatchObject({ ...none, quotas });
  const back = { ...patch, quotas: { listeners: 3, keys: 2 }, displayName: 'Team A' };
  await want(200, app, 'PATCH', '/v1/projects/team-a', back, operator);
  const names: string[] = [];
  for (let next = ''; ; ) {
    const path = `/v1/projects?pageSize=1${next}`;
    const { projects, nextPageToken } = await want(200, app, 'GET', path, undefined, operator);
    names.push(...projects.map(({ name }: Reply['body']) => name));
    if (nextPageToken === undefined) break;
    next = `&pageToken=${nextPageToken}`;
  }
  expect(names).toEqual(['default', 'team-a']);
  using client = grpcClient(app.grpcAddress, { token });
  const change = { name: 'team-a', updateMask: { paths: ['quotas.keys', 'display_name'] } };
  const { project } = await grpcCall<Reply['body']>((done) =>
    client.projects.UpdateProject(change, client.metadata, done),
  );
  expect(project.quotas).toMatchObject({ listeners: '3' });
  expect(project.quotas).not.toHaveProperty('keys');
  expect(project).not.toHaveProperty('displayName');
});

test.each(['self', 'A', '1a', 'a_b', '', 'a'.repeat(64)])(
  'no project is called "%s"',
  async (name) => {
    const reply = await call(app, 'POST', '/v1/projects', { name }, operator);
    expect(reply).toMatchObject({ status: 400, body: { errors: [{ path: 'name' }] } });
  },
);

test('what is of one project is not there for another', async () => {
  await want(201, app, 'POST', '/v1/projects', { name: 'one' }, operator);
  await want(201, app, 'POST', '/v1/projects', { name: 'two' }, operator);
  const [one, two] = [await keyOf('one'), await keyOf('two')];
  const mine = await want(201, app, 'POST', '/v1/listeners', { name: 'same' }, one);
  const theirs = await want(201, app, 'POST', '/v1/listeners', { name: 'same' }, two);
  const path = `/v1/listeners/${mine.id}`;
  for (const [method, at] of [
    ['GET', path],
    ['DELETE', path],
    ['PATCH', path],
  ] as const) {
    await want(404, app, method, at, method === 'PATCH' ? {} : undefined, two);
  }
  const listed = await want(200, app, 'GET', '/v1/listeners', undefined, two);
  expect(listed.listeners.map(({ id }: Reply['body']) => id)).toEqual([theirs.id]);
  const { events } = await want(200, app, 'GET', '/v1/events', undefined, two);
  expect(events.map(({ seq }: Reply['body']) => seq)).toEqual([1, 2]);
  const { port } = mine.laddr;
  const taken = await call(app, 'POST', '/v1/listeners', { port }, two);
  expect(taken).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: 'foreign' } });
  for (const told of [mine.id, mine.name]) expect(JSON.stringify(taken.body)).not.toContain(told);
});

test('streams of one place in two logs are each of its own', async () => {
  for (const project of ['left', 'right']) {
    await want(201, app, 'POST', '/v1/projects', { name: project }, operator);
    await want(201, app, 'POST', '/v1/listeners', {}, of(project));
  }
  for (const project of ['left', 'right']) {
    const { events } = await want(200, app, 'GET', '/v1/events', undefined, of(project));
    const scope = { name: `reader-${project}`, scopes: ['read'] };
    const { secret } = await want(201, app, 'POST', '/v1/keys', scope, of(project));
    const request = { afterSeq: 0, endAtHead: true };
    using stream = streamEvents(app.grpcAddress, {}, request, { token: secret });
    expect(await stream.ended).toBeNull();
    expect(stream.events.map(({ message }) => message.listenerId)).toEqual(
      events.map(({ listenerId }: Reply['body']) => listenerId),
    );
  }
});

test('a key names its own project or none, an operator any', async () => {
  const one = await keyOf('one');
  await want(200, app, 'GET', '/v1/listeners', undefined, { ...one, 'kodama-project': 'one' });
  for (const project of ['two', 'none']) {
    const reply = await call(app, 'GET', '/v1/listeners', undefined, {
      ...one,
      'kodama-project': project,
    });
    expect(reply).toMatchObject({ status: 404, body: { detail: `no project ${project}` } });
  }
  await want(200, app, 'GET', '/v1/listeners', undefined, of('two'));
  await want(404, app, 'GET', '/v1/listeners', undefined, of('none'));
  await want(400, app, 'GET', '/v1/listeners', undefined, of('No'));
  await want(403, app, 'GET', '/v1/projects', undefined, one);
});

test('quotas say limit and use', async () => {
  const { quotas } = await want(200, app, 'GET', '/v1/quotas', undefined, of('team-a'));
  expect(quotas).toContainEqual({ name: 'listeners', limit: 3, used: 0 });
  expect(quotas).toContainEqual({ name: 'streams', limit: null, used: 0 });
  // What holds for all is the most.
  expect(quotas).toContainEqual({ name: 'retentionDays', limit: 30, used: null });
});

test('the project default stays', async () => {
  await want(409, app, 'DELETE', '/v1/projects/default', undefined, operator);
});

test('there are no more projects than so many', async () => {
  for (let at = 0; ; at += 1) {
    const reply = await call(app, 'POST', '/v1/projects', { name: `more-${at}` }, operator);
    if (reply.status === 201) continue;
    expect(reply).toMatchObject({ status: 429, body: { limit: 'projectsMax', limitValue: 8 } });
    break;
  }
});
