/** Handles over more sockets, and more bytes, than `npm test` has the time for. */
import { expect, test } from 'vitest';
import {
  assertGoneWriters,
  assertOwnBytes,
  mebi,
  raise,
  startServer,
  streamOf,
} from '../../../test/support/handle-echoes.ts';
import { waitFor } from '../../../test/support/wait-for.ts';

test('each gets its own bytes back, in order, however many there are and however slowly they read', async () => {
  await assertOwnBytes(20);
});

test('more writes wait than there are buffers to keep, and none is mixed up', async () => {
  await using server = await startServer();
  const many = 90;
  const opened: Awaited<ReturnType<typeof server.open>>[] = [];
  for (let n = 0; n < many; n++) opened.push(await server.open());
  const sent = opened.map((_, n) => streamOf(n, 5 * mebi));
  const received = opened.map(() => 0);
  const wrong: number[] = [];
  for (const [n, { client }] of opened.entries()) {
    client.on('data', (data: Buffer) => {
      const at = received[n] ?? 0;
      if (!sent[n]?.subarray(at, at + data.length).equals(data)) wrong.push(n);
      received[n] = at + data.length;
    });
    client.pause().end(sent[n] ?? raise());
  }
  const waiting = () => server.owners.filter(({ transport }) => transport.pendingBytes > 0);
  await waitFor('most to be stuck', () => waiting().length > 70);
  for (const { client } of opened) client.resume();
  await waitFor('all of it', () => received.every((bytes) => bytes === 5 * mebi));
  expect(wrong).toEqual([]);
});

test('a client that goes while much waits for it ends the write, and leaves no buffer behind', async () => {
  await assertGoneWriters(100);
});
