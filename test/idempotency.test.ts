/** An Idempotency-Key over the life of its request, also when its kodama is killed. */
import { expect, test } from 'vitest';
import { call, want } from './support/rest-client.ts';
import { makeHome, startApp, startProcess } from './support/test-app.ts';

const key = { 'idempotency-key': 'ci-run-4711' };

test('an answer outlives a kill', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const made = await want(201, first, 'POST', '/v1/listeners', { name: 'a' }, key);
  await first[Symbol.asyncDispose]();
  await using again = await startApp({}, home);
  const replayed = await call(again, 'POST', '/v1/listeners', { name: 'a' }, key);
  expect(replayed).toMatchObject({ status: 201, body: made });
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
  await want(422, again, 'POST', '/v1/listeners', { name: 'b' }, key);
});
