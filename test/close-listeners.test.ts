/** Many listeners are closed in one call, by their ids or names or by their labels, through both edges. */
import { expect, test } from 'vitest';
import { call as grpcCall, grpcClient } from './support/grpc-client.ts';
import { call, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

const listen = (fields: object) => want(201, app, 'POST', '/v1/listeners', fields);
const close = (body: object, status = 200) =>
  want(status, app, 'POST', '/v1/listeners:close', body);

test('those of the labels, and of no others', async () => {
  const labels = { run: 'one', env: 'ci' };
  const made = [await listen({ labels }), await listen({ labels }), await listen({ labels })];
  const other = await listen({ labels: { run: 'other', env: 'ci' } });
  await using client = await openClient(made[0].laddr.port);
  await client.echo('hello');
  const answer = await close({ labels: { run: 'one' } });
  expect(answer).toEqual({ closed: made.map(({ id }) => id).reverse(), draining: [] });
  for (const { laddr } of made) await expect(openClient(laddr.port)).rejects.toThrow('REFUSED');
  await client.ended;
  expect(await want(200, app, 'GET', `/v1/listeners/${other.id}`)).toMatchObject({
    state: 'listening',
  });
  expect(await close({ labels: { run: 'one' } })).toEqual({ closed: [], draining: [] });
});

test('those named, each once, and none where one is not there', async () => {
  const [one, two] = [await listen({ name: 'close-one' }), await listen({})];
  const lost = await close({ ids: ['close-one', 'close-nobody'] }, 404);
  expect(lost.detail).toBe('no listener close-nobody');
  // It is there still.
  await (await openClient(one.laddr.port))[Symbol.asyncDispose]();
  const ids = ['close-one', two.id, one.id];
  const onGrpc = grpcClient(app.grpcAddress);
  const answer = await grpcCall<{ closed: string[] }>((done) =>
    onGrpc.listeners.CloseListeners({ ids }, done),
  );
  onGrpc[Symbol.dispose]();
  expect(answer.closed).toEqual([one.id, two.id]);
  // By its id, and by the name that it had.
  expect(await close({ ids })).toEqual({ closed: [one.id, two.id], draining: [] });
});

test.each([
  [{}, 'takes exactly one of ids, labels'],
  [{ labels: {} }, 'takes exactly one of ids, labels'],
  [{ ids: ['a'], labels: { a: 'b' } }, 'takes exactly one of ids, labels'],
  [{ ids: Array.from({ length: 1001 }, () => 'a') }, 'ids'],
])('%j is refused', async (body, words) => {
  const { status, body: problem } = await call(app, 'POST', '/v1/listeners:close', body);
  expect(status).toBe(400);
  expect(JSON.stringify(problem)).toContain(words);
});
