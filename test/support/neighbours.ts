/** Clients that keep a faulty listener busy, and one beside them that counts how often it is served. */
import { randomBytes } from 'node:crypto';
import { openClient } from './tcp-client.ts';
import { waitFor } from './wait-for.ts';

const backMs = 250_000;

/** Each sends so many bytes at once. `allBack` resolves when all have all of them back. */
export async function sendAll(
  port: number,
  { clients, bytes }: { readonly clients: number; readonly bytes: number },
) {
  await using resources = new AsyncDisposableStack();
  const payload = randomBytes(bytes);
  const opened = await Promise.all(Array.from({ length: clients }, () => openClient(port)));
  const allBack = Promise.all(
    opened.map(async (client) => {
      resources.use(client);
      client.socket.write(payload);
      await waitFor(`${bytes} bytes`, () => (client.arrivals.at(-1)?.total ?? 0) >= bytes, backMs);
      return client;
    }),
  );
  const all = resources.move();
  return { allBack, payload, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Round trips of a byte, one after the other, until that is over: as many as turns of the loop let through. */
export async function countTrips(port: number, end: Promise<unknown>): Promise<number> {
  await using client = await openClient(port);
  let trips = 0;
  client.socket.on('data', () => {
    trips += 1;
    client.socket.write('x');
  });
  client.socket.write('x');
  await end;
  return trips;
}
