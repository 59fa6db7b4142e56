/** No room on the disk of the embedded PostgreSQL. It takes the right to mount a small one: elsewhere it is left out. */
import { expect, test } from 'vitest';
import { KodamaProcess } from './chaos/kodama-process.ts';
import { makeRoundStore } from './chaos/round-store.ts';
import { freePort } from './support/free-port.ts';
import { all, call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { waitFor } from './support/wait-for.ts';

test('with a full disk what is open goes on, calls get 503, and all is on record once there is room', async ({
  skip,
}) => {
  await using store = await makeRoundStore('small_disk');
  if (store.fillDisk === null) return skip('no small disk can be mounted here');
  const ports = { http: await freePort(), grpc: await freePort() };
  const target = new KodamaProcess({ ...store, ports, isEmbedded: true });
  await using _end = { [Symbol.asyncDispose]: () => target.kill() };
  await target.begin();
  const { id, laddr } = await want(201, target, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  expect(await client.echo('before')).toBe('before');

  const free = await store.fillDisk();
  let visits = 0;
  const refused = await waitFor('the disk to be missed', async () => {
    await Promise.all(Array.from({ length: 50 }, () => talk(laddr.port, 'x')));
    visits += 50;
    const reply = await call(target, 'POST', '/v1/listeners', {});
    return reply.status === 503 ? reply : null;
  });
  expect(refused.headers.has('retry-after')).toBe(true);
  expect(await client.echo('still here')).toBe('still here');
  await free();

  await waitFor(
    'room',
    async () => (await call(target, 'POST', '/v1/listeners', {})).status === 201,
  );
  const path = `/v1/connections?listener=${id}&state=closed`;
  await waitFor('every record', async () => {
    const closed = await all(target, path, 'connections').catch(() => []);
    return closed.length === visits;
  });
  expect(await client.echo('and still')).toBe('and still');
  expect(target.faults).toEqual([]);
  await client[Symbol.asyncDispose]();
  await target.end();
});
