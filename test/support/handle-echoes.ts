/** Handles over real sockets that echo, and what their clients get back. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect } from 'vitest';
import { HandleTransport } from '../../src/echo/tcp/handle-transport.ts';
import type { StreamTransport, TransportOwner } from '../../src/echo/tcp/stream-transport.ts';
import { type TcpHandle, takeHandles } from '../../src/echo/tcp/tcp-handle.ts';
import { waitFor } from './wait-for.ts';

export const mebi = 1 << 20;

type Told = 'bytes' | 'drain' | 'end' | 'finished' | 'closed' | `error ${string}`;

/** Echoes as a connection does, and writes down what it is told. */
export class Owner implements TransportOwner {
  readonly told: Told[] = [];
  bytesIn = 0;
  isEchoing = true;
  /** Done within each call, once it is told. */
  within: (told: Told) => void = () => undefined;
  transport: StreamTransport = absent;

  onBytes(bytes: Buffer): void {
    this.bytesIn += bytes.length;
    this.#note('bytes');
    if (this.isEchoing && !this.transport.write(bytes)) this.transport.pause();
  }

  onDrain(): void {
    this.#note('drain');
    this.transport.resume();
  }

  onEnd(): void {
    this.#note('end');
    if (this.has('finished')) this.transport.destroy();
    else if (this.isEchoing) this.transport.finish();
  }

  onFinished(): void {
    this.#note('finished');
    if (this.has('end')) this.transport.destroy();
  }

  onError(code: string): void {
    this.#note(`error ${code}`);
  }

  onClosed(): void {
    this.#note('closed');
  }

  #note(told: Told): void {
    if (this.told.at(-1) !== told || told !== 'bytes') this.told.push(told);
    this.within(told);
  }

  has(told: Told): boolean {
    return this.told.includes(told);
  }

  count(told: Told): number {
    return this.told.filter((one) => one === told).length;
  }
}

const absent = Object.create(null) as StreamTransport;

export interface HandleServerOptions {
  readonly makeOwner?: () => Owner;
  /** Before there is a transport over it. */
  readonly prepare?: (handle: TcpHandle) => void;
  /** As if it had been read of each handle before. */
  readonly unread?: Buffer;
  /** Each is read from the start. */
  readonly isReading?: boolean;
}

/** A server of bare handles, with clients of a test's own. */
export async function startServer({
  makeOwner = () => new Owner(),
  prepare = () => undefined,
  unread,
  isReading = true,
}: HandleServerOptions = {}) {
  const owners: Owner[] = [];
  const clients: Socket[] = [];
  const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 511 });
  await once(server, 'listening');
  takeHandles(server, (_, handle) => {
    const owner = makeOwner();
    prepare(handle);
    owner.transport = new HandleTransport(handle, owner, unread);
    owners.push(owner);
    if (isReading) owner.transport.resume();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    owners,
    async open(): Promise<{ client: Socket; owner: Owner }> {
      const before = owners.length;
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      client.on('error', () => undefined);
      clients.push(client);
      await once(client, 'connect');
      const owner = await waitFor('the accept', () => owners[before]);
      return { client, owner };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      for (const owner of owners) owner.transport.destroy();
      server.close();
      await waitFor('every end', () => owners.every((owner) => owner.has('closed')));
    },
  };
}

/** What a client sends: no two clients the same, and no two places near each other. */
function byteAt(client: number, place: number): number {
  return (client * 37 + place * 11 + (place >>> 8) * 7 + (place >>> 16) * 3) & 255;
}

export function streamOf(client: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let place = 0; place < length; place++) bytes[place] = byteAt(client, place);
  return bytes;
}

interface Talk {
  readonly bytes: number;
  readonly chunkBytes: number;
  /** Reads nothing until all is sent or the server has stopped reading. */
  readonly isSlow: boolean;
}

/** Sends it all in chunks and ends; resolves with the place of the first byte that is not its own, or -1. */
async function talkOver(client: Socket, owner: Owner, number: number, talk: Talk): Promise<number> {
  const sent = streamOf(number, talk.bytes);
  let received = 0;
  let wrongAt = -1;
  client.on('data', (data: Buffer) => {
    const isSame = data.equals(sent.subarray(received, received + data.length));
    if (!isSame && wrongAt === -1) wrongAt = received;
    received += data.length;
    if (talk.isSlow) {
      client.pause();
      setImmediate(() => client.resume());
    }
  });
  if (talk.isSlow) client.pause();
  for (let at = 0; at < sent.length; at += talk.chunkBytes) {
    client.write(sent.subarray(at, at + talk.chunkBytes));
  }
  const ended = once(client, 'end');
  client.end();
  let last = -1;
  await waitFor('all to be read, or none any more', () => {
    const hasBegun = owner.bytesIn > 0 || talk.bytes === 0;
    const isStuck = (hasBegun && owner.bytesIn === last) || !talk.isSlow;
    last = owner.bytesIn;
    return isStuck;
  });
  client.resume();
  await ended;
  return received === sent.length ? wrongAt : received;
}

const talks = fc.array(
  fc.record({
    bytes: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 6 * mebi })),
    chunkBytes: fc.oneof(fc.constant(1 << 24), fc.integer({ min: 5000, max: 300_000 })),
    isSlow: fc.boolean(),
  }),
  { minLength: 2, maxLength: 24 },
);

/** Each of many gets its own bytes back, in order, however slowly it reads. */
export async function assertOwnBytes(numRuns: number): Promise<void> {
  let drains = 0;
  const property = fc.asyncProperty(talks, async (some) => {
    await using server = await startServer();
    const opened: Awaited<ReturnType<typeof server.open>>[] = [];
    for (const _ of some) opened.push(await server.open());
    const wrong = await Promise.all(
      some.map((talk, n) => {
        const { client, owner } = opened[n] ?? raise();
        return talkOver(client, owner, n, talk);
      }),
    );
    expect(wrong).toEqual(some.map(() => -1));
    for (const [n, { bytes }] of some.entries()) {
      const owner = server.owners[n];
      expect([owner?.bytesIn, owner?.transport.bytesWritten]).toEqual([bytes, bytes]);
      drains += owner?.count('drain') ?? 0;
    }
  });
  // More than the kernel keeps for a client that does not read: some of it waits in each run of the test.
  const stuck = { bytes: 16 * mebi, chunkBytes: 1 << 24, isSlow: true };
  await fc.assert(property, { numRuns, examples: [[[stuck, stuck]]] });
  // Else no write has ever kept a buffer, and nothing was tried.
  expect(drains).toBeGreaterThan(0);
}

export function raise(): never {
  throw new TypeError('one for each');
}

/** Clients that go, one after the other, while much waits for them. */
export async function assertGoneWriters(rounds: number): Promise<void> {
  await using server = await startServer();
  for (let round = 0; round < rounds; round++) {
    const { client, owner } = await server.open();
    client.pause();
    client.write(Buffer.alloc(8 * mebi, 'k'));
    await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
    client.resetAndDestroy();
    await waitFor('its end', () => owner.has('closed'));
    expect(owner.count('closed')).toBe(1);
  }
  // With more rounds than buffers are kept: were they not given back, this would be a copy of its own, and still whole.
  const { client, owner } = await server.open();
  expect(await talkOver(client, owner, 7, { bytes: mebi, chunkBytes: 9000, isSlow: true })).toBe(
    -1,
  );
}
