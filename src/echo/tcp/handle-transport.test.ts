/** Handles over real sockets, many in one process: all of them share a read buffer and a write buffer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import {
  assertGoneWriters,
  assertOwnBytes,
  mebi,
  Owner,
  startServer,
} from '../../../test/support/handle-echoes.ts';
import { long } from '../../../test/support/long.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { TcpHandle } from './tcp-handle.ts';

test(
  'each gets its own bytes back, in order, however many there are and however slowly they read',
  long,
  async () => {
    await assertOwnBytes(3);
  },
);

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

test('what others have read comes first, once, and only while it reads', async () => {
  await using server = await startServer({ unread: Buffer.from('first '), isReading: false });
  const { client, owner } = await server.open();
  client.end('then');
  for (let n = 0; n < 100; n++) await new Promise((turn) => setImmediate(turn));
  expect(owner.told).toEqual([]);
  owner.transport.resume();
  expect(owner.told).toEqual([]);
  owner.transport.pause();
  owner.transport.resume();
  const parts: Buffer[] = [];
  for await (const part of client) parts.push(part);
  expect(String(Buffer.concat(parts))).toBe('first then');
  await waitFor('its end', () => owner.has('closed'));
});

test('what others have read is dropped by one that closes', async () => {
  await using server = await startServer({ unread: Buffer.from('first'), isReading: false });
  const { client, owner } = await server.open();
  owner.transport.resume();
  owner.transport.reset();
  await waitFor('the client to see it', () => client.destroyed);
  expect(owner.told).toEqual(['closed']);
});

test('what is written never lies where it was read from within a page, also when writes wait', async () => {
  const places: { read: Uint8Array; written: Uint8Array }[] = [];
  const prepare = (handle: TcpHandle) => {
    let read: Uint8Array = Buffer.of();
    handle.useUserBuffer = (buffer) => {
      read = buffer;
      Object.getPrototypeOf(handle).useUserBuffer.call(handle, buffer);
    };
    handle.writeBuffer = (request, written) => {
      places.push({ read, written });
      return Object.getPrototypeOf(handle).writeBuffer.call(handle, request, written);
    };
  };
  await using server = await startServer({ prepare });
  for (let n = 0; n < 3; n++) {
    const { client, owner } = await server.open();
    client.pause();
    client.write(Buffer.alloc(16 * mebi, 'k'));
    await waitFor('it to be stuck', () => owner.transport.pendingBytes > 0);
  }
  for (const { read, written } of places) {
    expect(written.buffer).toBe(read.buffer);
    expect((written.byteOffset - read.byteOffset) % 4096).toBe(2048);
  }
  expect(new Set(places.map(({ written }) => written.byteOffset)).size).toBeGreaterThan(2);
});

test(
  'sockets that fell silent keep no place of a large reader from one that sends',
  long,
  async () => {
    await using server = await startServer();
    const places = 256;
    const opened: Awaited<ReturnType<typeof server.open>>[] = [];
    const silentBytes = 64 * 1024;
    for (let n = 0; n < places; n++) {
      const { client, owner } = await server.open();
      opened.push({ client, owner });
      client.resume();
      // Whole small reads, and not one that is smaller: none of them leaves by itself.
      owner.transport.pause();
      client.write(Buffer.alloc(silentBytes, 'k'));
      await waitFor(
        'all to lie there',
        () => client.bytesWritten === silentBytes && client.writableLength === 0,
      );
      owner.transport.resume();
      await waitFor('the echo', () => client.bytesRead === silentBytes);
    }
    const { client, owner } = await server.open();
    let largest = 0;
    const { onBytes } = Owner.prototype;
    owner.onBytes = (bytes) => {
      largest = Math.max(largest, bytes.length);
      onBytes.call(owner, bytes);
    };
    client.on('data', () => client.write(Buffer.alloc(silentBytes, 'k')));
    client.write(Buffer.alloc(mebi, 'k'));
    await waitFor('a large read', () => largest > 16 * 1024);
    // Whoever lost a place is echoed as before.
    for (const one of opened.slice(0, 3)) {
      one.client.write(Buffer.alloc(mebi, 'k'));
      await waitFor('its echo', () => one.client.bytesRead === silentBytes + mebi);
    }
  },
);

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

test('what waits for a client that goes is not counted as taken', async () => {
  await using server = await startServer();
  const { client, owner } = await server.open();
  client.pause();
  client.write(Buffer.alloc(16 * mebi, 'k'));
  let last = -1;
  await waitFor('it to be stuck', () => {
    const isStuck = owner.transport.pendingBytes > 0 && owner.transport.bytesWritten === last;
    last = owner.transport.bytesWritten;
    return isStuck;
  });
  const { bytesWritten, pendingBytes } = owner.transport;
  expect(bytesWritten + pendingBytes).toBe(owner.bytesIn);
  client.resetAndDestroy();
  await waitFor('its end', () => owner.has('closed'));
  expect(owner.told).toContain('error ECONNRESET');
  expect(owner.transport).toMatchObject({ bytesWritten, pendingBytes });
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
  await assertGoneWriters(5);
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
