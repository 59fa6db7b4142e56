/** An Idempotency-Key is one key, whichever edge a call comes through. */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { grpcClient } from '../support/grpc-client.ts';
import { call, want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();

test('the answer of one edge is that of the other', async () => {
  using client = grpcClient(app.grpcAddress);
  const key = (value: string) => ({ 'idempotency-key': value });

  /** The answer, and whether it is said to be one of before. */
  async function create(name: string, ...values: readonly string[]) {
    const metadata = new Metadata();
    for (const value of values) metadata.add('idempotency-key', value);
    let isReplayed = false;
    const reply = await new Promise<{ readonly listener?: { readonly id?: string } }>(
      (resolve, reject) => {
        client.listeners
          .CreateListener({ name }, metadata, (error, response) =>
            error === null ? resolve(response ?? {}) : reject(error),
          )
          .on('metadata', (begin: Metadata) => {
            isReplayed = begin.get('idempotent-replayed').includes('true');
          });
      },
    );
    return { id: reply.listener?.id, isReplayed };
  }

  const first = await want(201, app, 'POST', '/v1/listeners', { name: 'a' }, key('one-key-one'));
  expect(await create('a', 'one-key-one')).toEqual({ id: first.id, isReplayed: true });
  const second = await create('b', 'one-key-two');
  expect(second.isReplayed).toBe(false);
  const again = await call(app, 'POST', '/v1/listeners', { name: 'b' }, key('one-key-two'));
  expect(again).toMatchObject({ status: 201, body: { id: second.id, name: 'b' } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.headers.get('location')).toBe(`/v1/listeners/${second.id}`);

  for (const two of ['one-key-two', 'one-key-four']) {
    const twice = await create('b', 'one-key-two', two).catch((error: ServiceError) => error);
    expect(twice).toMatchObject({
      ...{ code: status.INVALID_ARGUMENT, details: 'idempotency-key: is given more than once' },
    });
  }
  const other = await create('c', 'one-key-two').catch((error: ServiceError) => error);
  expect(other).toMatchObject({ code: status.FAILED_PRECONDITION });
  const refused = await create('a', 'one-key-three').catch((error: ServiceError) => error);
  expect(refused).toMatchObject({ code: status.ALREADY_EXISTS });
  await want(204, app, 'DELETE', '/v1/listeners/a');
  const kept = await call(app, 'POST', '/v1/listeners', { name: 'a' }, key('one-key-three'));
  expect(kept).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  const { listeners } = await want(200, app, 'GET', '/v1/listeners');
  expect(listeners).toHaveLength(1);
});
