import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signal } from '@preact/signals';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guardedRestEdge, type RestEdge } from '../../test/support/rest-edge.ts';
import { Api, CallFailure, keyOfFragment, urlOf } from './api.ts';

const token = 'a-token-of-sixteen';
let edge: RestEdge;
beforeAll(async () => {
  edge = await guardedRestEdge(token);
});
afterAll(() => edge[Symbol.asyncDispose]());

/** The storage of a tab. */
function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
}

const open = (kept = storage()) => new Api({ storage: kept, project: signal(null) });

test('who lacks a key is asked for one, and has it for as long as the tab', async () => {
  const kept = storage();
  const api = open(kept);
  await expect(api.get(`${edge.url}/v1/status`)).rejects.toThrow(CallFailure);
  expect(api.isKeyWanted.value).toBe(true);
  api.signIn(token);
  expect(api.isKeyWanted.value).toBe(false);
  await expect(api.get(`${edge.url}/v1/status`)).resolves.toMatchObject({ version: '1.2.3' });
  await expect(open(kept).get(`${edge.url}/v1/status`)).resolves.toBeDefined();
  api.signOut();
  expect([api.isKeyWanted.value, open(kept).key.value]).toEqual([true, null]);
});

test('a refusal is the problem of the API', async () => {
  const api = open();
  api.signIn(token);
  const refused = api.call('POST', `${edge.url}/v1/listeners`, { body: { port: 'nine' } });
  await expect(refused).rejects.toMatchObject({
    problem: { status: 400, code: 'invalid_argument', errors: [{ path: 'port' }] },
  });
});

test('who can not be reached has no answer, and is no bug', async () => {
  await expect(open().get('http://127.0.0.1:1/v1/status')).rejects.toMatchObject({
    problem: { code: 'unreachable' },
  });
});

test.each(['鍵', 'ｋｏｄａｍａ_x', 'a key'])(
  '%s is no key, and nobody is asked for it',
  async (key) => {
    const api = open();
    api.signIn(key);
    const problem = { status: 401, code: 'unauthenticated' };
    await expect(api.get('http://127.0.0.1:1/v1/status')).rejects.toMatchObject({ problem });
    expect([api.isKeyWanted.value, api.refusal.value]).toMatchObject([true, problem]);
    api.signIn(token);
    const trial = api.call('GET', `${edge.url}/v1/status`, { key });
    await expect(trial).rejects.toMatchObject({ problem });
    expect([api.isKeyWanted.value, api.refusal.value]).toEqual([false, null]);
  },
);

/** What answers each call in one way. */
async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('what somebody else answers in the place of kodama is no answer', async () => {
  for (const status of [200, 202]) {
    using other = await serve((_, answer) =>
      answer.writeHead(status, { 'content-type': 'text/html' }).end('<p>one moment</p>'),
    );
    await expect(open().get(`${other.url}/v1/status`)).rejects.toMatchObject({
      problem: { status, code: 'unknown' },
    });
  }
});

test.each([202, 204])('what is answered with %d and nothing more is no refusal', async (status) => {
  using server = await serve((_, answer) => answer.writeHead(status).end());
  await expect(open().call('DELETE', `${server.url}/v1/listeners/x`)).resolves.toBe(undefined);
});

test.each([
  ['#key=abc', 'abc'],
  ['#key=a%2Bb', 'a+b'],
  ['#key=', null],
  ['#other', null],
  ['', null],
])('of the fragment %j the key is %j', (fragment, key) => {
  expect(keyOfFragment(fragment)).toBe(key);
});

test('a query repeats what is a list, and leaves out what is not given', () => {
  expect(urlOf('/v1/events', { type: ['a', 'b'], last: 3, since: null, x: undefined })).toBe(
    '/v1/events?type=a&type=b&last=3',
  );
  expect(urlOf('/v1/events', {})).toBe('/v1/events');
});
