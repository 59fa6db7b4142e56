/** What a project that floods leaves to another one, told by who is answered before whom. */
import { expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { startApp, type Tune } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const operator = { authorization: `Bearer ${token}` };

/** An app, and two projects of it that are at it. */
async function startTwo(tune?: Tune) {
  const app = await startApp({ KODAMA_API_TOKEN: token }, undefined, tune);
  const makeProject = async (name: string) => {
    await want(201, app, 'POST', '/v1/projects', { name }, operator);
    const headers = { ...operator, 'kodama-project': name };
    const key = { name: 'key', scopes: ['read', 'write'] };
    const { secret } = await want(201, app, 'POST', '/v1/keys', key, headers);
    const holder = { authorization: `Bearer ${secret}` };
    await want(201, app, 'POST', '/v1/listeners', { name: 'own' }, holder);
    return holder;
  };
  return { app, flooding: await makeProject('flooding'), other: await makeProject('other') };
}

test('beside another project the calls of one wait in its own line', async () => {
  const limits = { besideMs: 3_600_000, callPlaceMs: 3_600_000, callsPerProjectMax: 1 };
  const tune = (config: Config): Config => ({
    ...config,
    turns: { ...config.turns, ...limits, callWaitMs: 1 },
  });
  const { app, flooding } = await startTwo(tune);
  await using _ = app;
  const replies = await Promise.all(
    Array.from({ length: 100 }, () => call(app, 'GET', '/v1/connections', undefined, flooding)),
  );
  expect(replies.map(({ status }) => status)).toContain(200);
  const refused = { code: 'resource_exhausted', limit: 'callsPerProjectMax', limitValue: 1 };
  expect(replies.find(({ status }) => status === 429)).toMatchObject({ body: refused });
});

test('calls pass the long pages of another project, piece by piece', long, async () => {
  const { app, flooding, other } = await startTwo();
  await using _ = app;
  const spec = { labels: { of: 'the history' } };
  for (let batch = 0; batch < 5; batch += 1) {
    const listeners = Array.from({ length: 100 }, () => spec);
    await want(201, app, 'POST', '/v1/listeners:batch', { listeners }, flooding);
  }
  let answered = 0;
  const flood = Array.from({ length: 40 }, async () => {
    const path = '/v1/events?pageSize=1000';
    const { status } = await call(app, 'GET', path, undefined, flooding);
    answered += 1;
    return status;
  });
  for (let calls = 0; calls < 25; calls += 1) {
    await want(200, app, 'GET', '/v1/listeners/own', undefined, other);
  }
  expect(answered).toBeLessThan(10);
  expect(await Promise.all(flood)).toContain(200);
});
