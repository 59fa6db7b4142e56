/** Handles over real sockets, many in one process: all of them share a read buffer and a write buffer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import { HandleTransport } from './handle-transport.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';
import { takeHandles } from './tcp-handle.ts';

const mebi = 1 << 20;

type Told = 'bytes' | 'drain' | 'end' | 'finished' | 'closed' | `error ${string}`;

/** Echoes as a connection does, and writes down what it is told. */
class Owner implements TransportOwner {
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

/** A server of bare handles, with clients of a test's own. */
async function startServer(makeOwner = () => new Owner()) {
  const owners: Owner[] = [];
  const clients: Socket[] = [];
  const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 511 });
  await once(server, 'listening');
  takeHandles(server, (_, handle) => {
    const owner = makeOwner();
    owner.transport = new HandleTransport(handle, owner);
    owners.push(owner);
    owner.transport.resume();
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

function streamOf(client: number, length: number): Buffer {
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
    const isStuck = owner.bytesIn === last || !talk.isSlow;
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

test('each gets its own bytes back, in order, however many there are and however slowly they read', async () => {
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
  await fc.assert(property, { numRuns: 8 });
  // Else no write has ever kept a buffer, and nothing was tried.
  expect(drains).toBeGreaterThan(0);
});

function raise(): never {
  throw new TypeError('one for each');
}

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

test('the end is told once, also to one that reads on', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  owner.isEchoing = false;
  owner.within = (told) => {
    if (told === 'end' && owner.count('end') < 5) owner.transport.resume();
  };
  client.end('x');
  await waitFor('the end', () => owner.has('end'));
  owner.transport.pause();
  owner.transport.resume();
  owner.transport.end();
  await waitFor('the FIN', () => owner.has('finished'));
  expect(owner.count('end')).toBe(1);
  owner.transport.destroy();
});

test('what waits goes back before FIN, and then the end is told', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  client.pause();
  client.write(Buffer.alloc(16 * mebi, 'k'));
  await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
  owner.transport.end();
  expect(owner.transport.write(Buffer.from('too late'))).toBe(false);
  const taken = owner.transport.bytesWritten + owner.transport.pendingBytes;
  expect(owner.has('finished')).toBe(false);
  let received = 0;
  client.on('data', (data: Buffer) => {
    received += data.length;
  });
  client.resume();
  await once(client, 'end');
  expect(received).toBe(taken);
  await waitFor('the word of it', () => owner.has('finished'));
  expect(owner.transport).toMatchObject({ pendingBytes: 0, bytesWritten: taken });
});

test('a reset while our FIN is on its way is a reset all the same, and closes once', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  owner.transport.end();
  owner.transport.reset();
  owner.transport.reset();
  await waitFor('its end', () => owner.has('closed'));
  await waitFor('the client to see it', () => client.destroyed || client.readableEnded);
  owner.transport.destroy();
  expect(owner.count('closed')).toBe(1);
});

test('a reset drops what waits, and tells what was taken', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  client.pause();
  client.write(Buffer.alloc(16 * mebi, 'k'));
  await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
  const { bytesWritten } = owner.transport;
  owner.transport.reset();
  expect(owner.told.at(-1)).toBe('closed');
  expect(owner.transport.bytesWritten).toBe(bytesWritten);
  expect(owner.transport.write(Buffer.from('x'))).toBe(false);
  owner.transport.end();
  owner.transport.finish();
  owner.transport.pause();
  owner.transport.resume();
  client.resume();
  await waitFor('the client to see it', () => client.destroyed);
  expect(owner.count('closed')).toBe(1);
});

test.each(['bytes', 'drain', 'end', 'finished', 'error ECONNRESET'] as const)(
  'it may be closed within a call that tells of %s',
  async (moment) => {
    for (const how of ['destroy', 'reset', 'end', 'finish'] as const) {
      await using server = await startServer();
      const { client, owner } = await server.open();
      owner.within = (told) => {
        if (told !== moment) return;
        owner.isEchoing = false;
        owner.transport[how]();
      };
      client.pause();
      client.write(Buffer.alloc(moment === 'drain' ? 16 * mebi : 10, 'k'));
      await waitFor('the bytes', () => owner.has('bytes'));
      if (moment === 'drain')
        await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
      if (moment === 'finished') owner.transport.end();
      if (moment === 'error ECONNRESET') client.resetAndDestroy();
      client.resume();
      if (!client.destroyed) client.end();
      await waitFor(`${how} in ${moment}`, () => owner.has('closed'));
      expect(owner.count('closed')).toBe(1);
      expect(owner.told.at(-1)).toBe('closed');
    }
  },
);

test('a write to a client that is gone fails once, with its code', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  owner.transport.pause();
  client.resetAndDestroy();
  await waitFor('the error', () => {
    owner.transport.write(Buffer.from('anyone there?'));
    return owner.has('closed');
  });
  expect(owner.told).toHaveLength(2);
  expect(owner.told[0]).toMatch(/^error (ECONNRESET|EPIPE)$/);
  expect(owner.transport.write(Buffer.from('no'))).toBe(false);
});

test('a client that goes while much waits for it ends the write, and leaves no buffer behind', async () => {
  await using server = await startServer();
  for (let round = 0; round < 100; round++) {
    const { client, owner } = await server.open();
    client.pause();
    client.write(Buffer.alloc(8 * mebi, 'k'));
    await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
    client.resetAndDestroy();
    await waitFor('its end', () => owner.has('closed'));
    expect(owner.count('closed')).toBe(1);
  }
  // More rounds than buffers are kept: were they not given back, this would be a copy of its own, and still whole.
  const { client, owner } = await server.open();
  expect(await talkOver(client, owner, 7, { bytes: mebi, chunkBytes: 9000, isSlow: true })).toBe(
    -1,
  );
});

test.runIf(process.platform === 'linux')('no descriptor is left behind', async () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;
  await using server = await startServer();
  const before = descriptors();
  for (let round = 0; round < 60; round++) {
    const { client, owner } = await server.open();
    client.write('x');
    await waitFor('the byte', () => owner.bytesIn === 1);
    if (round % 4 === 0) client.end().resume();
    else if (round % 4 === 1) client.resetAndDestroy();
    else if (round % 4 === 2) owner.transport.reset();
    else owner.transport.destroy();
    await waitFor('its end', () => owner.has('closed'));
    client.destroy();
  }
  await waitFor('all of them to be closed', () => descriptors() <= before);
});

/** Segments with data that the server's side has sent so far (tcp(7), TCP_INFO). */
function segmentsSentTo(client: Socket): number {
  const filter = ['sport', '=', `:${client.remotePort}`, 'dport', '=', `:${client.localPort}`];
  const shown = execFileSync('ss', ['-Htin', ...filter], { encoding: 'utf8' });
  return Number(/\bdata_segs_out:(\d+)/.exec(shown)?.[1] ?? 0);
}

test.skipIf(spawnSync('ss', ['-V']).error !== undefined)(
  'small writes go out at once, each by itself: TCP_NODELAY is on',
  async () => {
    await using server = await startServer();
    const { client, owner } = await server.open();
    client.resume();
    // After a talk to and fro the client acknowledges late, so that Nagle would have something to wait for.
    for (let talked = 1; talked <= 10; talked++) {
      client.write('k');
      await waitFor('its echo', () => client.bytesRead === talked);
    }
    const before = segmentsSentTo(client);
    const writes = 8;
    for (let n = 0; n < writes; n++) owner.transport.write(Buffer.of(n));
    await waitFor('all of it', () => client.bytesRead === 10 + writes);
    expect(segmentsSentTo(client) - before).toBeGreaterThan(writes / 2);
  },
);
