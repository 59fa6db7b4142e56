import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { type TcpHandle, takeHandles, WriteWrap } from '../tcp/tcp-handle.ts';
import { endOrderly } from './orderly-end.ts';

const hour = 3_600_000;

/** A client that never ends its side, and what was accepted of it. */
async function heldClient() {
  await using resources = new AsyncDisposableStack();
  const server = createServer().listen(0, '127.0.0.1');
  resources.defer(() => void server.close());
  await once(server, 'listening');
  const { promise: accepted, resolve } = Promise.withResolvers<TcpHandle>();
  takeHandles(server, (_, handle) => resolve(handle));
  const { port } = server.address() as { readonly port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  resources.defer(() => void client.destroy());
  let error: Error | null = null;
  client.on('error', (cause) => {
    error = cause;
  });
  await once(client, 'connect');
  client.write('unread');
  const owned = resources.move();
  return {
    client,
    handle: await accepted,
    error: () => error,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test.each(['while it lingers', 'before it begins'])(
  'a stop %s waits for no client, and yet ends with FIN',
  async (when) => {
    await using held = await heldClient();
    const stop = new AbortController();
    const seen = once(held.client.resume(), 'end');
    if (when === 'before it begins') stop.abort();
    const ended = endOrderly(held.handle, { lingerMs: hour, signal: stop.signal });
    await seen;
    stop.abort();
    await ended;
    expect(held.error()).toBeNull();
  },
);

test.each(['at once', 'once it stops'])(
  'who takes nothing of what was written before is waited for by nobody: %s',
  async (when) => {
    await using held = await heldClient();
    held.client.pause();
    const write = Object.assign(new WriteWrap(), { oncomplete: () => undefined });
    held.handle.writeBuffer(write, Buffer.alloc(32 << 20));
    expect(held.handle.writeQueueSize).toBeGreaterThan(0);
    const stop = new AbortController();
    const lingerMs = when === 'at once' ? null : hour;
    const ended = endOrderly(held.handle, { lingerMs, signal: stop.signal });
    if (when === 'once it stops') stop.abort();
    await ended;
  },
);
