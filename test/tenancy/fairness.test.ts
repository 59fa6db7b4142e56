/** What a project that floods leaves to another one, told by who is answered before whom. */
import { beforeAll, expect, test } from 'vitest';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const operator = { authorization: `Bearer ${token}` };

type Headers = Readonly<Record<string, string>>;

async function makeProject(name: string): Promise<Headers> {
  await want(201, app, 'POST', '/v1/projects', { name }, operator);
  const headers = { ...operator, 'kodama-project': name };
  const key = { name: 'key', scopes: ['read', 'write', 'keys:read'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', key, headers);
  return { authorization: `Bearer ${secret}` };
}

/** Asks for all of it at once; says how much is answered so far. */
function startFlood(key: Headers, path: string, count: number) {
  let answered = 0;
  const calls = Array.from({ length: count }, async () => {
    const { status } = await call(app, 'GET', path, undefined, key);
    answered += 1;
    return status;
  });
  return { answered: () => answered, statuses: () => Promise.all(calls) };
}

let flooding: Headers;
let other: Headers;

beforeAll(async () => {
  flooding = await makeProject('flooding');
  other = await makeProject('other');
  await want(201, app, 'POST', '/v1/listeners', { name: 'own' }, other);
  // Loads what lists are made with, which takes a moment.
  await want(200, app, 'GET', '/v1/listeners', undefined, other);
});

test('a list passes those that another project asks for', async () => {
  const flood = startFlood(flooding, '/v1/keys', 100);
  await want(200, app, 'GET', '/v1/listeners', undefined, other);
  expect(flood.answered()).toBeLessThan(50);
  expect(await flood.statuses()).toContain(200);
});

test('calls pass the long pages of another project, piece by piece', long, async () => {
  const spec = { labels: { of: 'the history' } };
  for (let batch = 0; batch < 5; batch += 1) {
    const listeners = Array.from({ length: 100 }, () => spec);
    await want(201, app, 'POST', '/v1/listeners:batch', { listeners }, flooding);
  }
  const flood = startFlood(flooding, '/v1/events?pageSize=1000', 40);
  for (let calls = 0; calls < 25; calls += 1) {
    await want(200, app, 'GET', '/v1/listeners/own', undefined, other);
  }
  expect(flood.answered()).toBeLessThan(10);
  expect(await flood.statuses()).toContain(200);
});
