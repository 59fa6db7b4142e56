import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { greetingBytesMax, ProbeFailure, parseGreeting } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';

const id = '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90';
const line = `${JSON.stringify({ connectionId: id, listenerId: id })}\n`;
const never = new AbortController().signal;

/** A probe of a server that does this with it. */
async function probeOf(serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    // Whoever has heard enough resets it.
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await TcpProbe.open({ ip: '127.0.0.1', port, signal: never });
  } finally {
    server.close();
  }
}

test('a word is heard wherever it stands, and what a stranger says besides is not kept', async () => {
  const word = 'the word\n';
  using probe = await probeOf((socket) => {
    socket.write(line.slice(0, 20));
    socket.write(line.slice(20));
    socket.once('data', () => {
      socket.write('x'.repeat(4_000_000));
      socket.write(`x${word.slice(0, 3)}`, () => socket.end(word.slice(3)));
    });
  });
  expect(probe.greeting).toEqual({ connectionId: id, listenerId: id });
  expect(probe.quietSince).toBeGreaterThanOrEqual(probe.openedAt);
  expect(await probe.ask(word)).toBe('echo');
  expect(await probe.ended).toBe('fin');
});

test('a reset is told from an orderly end', async () => {
  using probe = await probeOf((socket) => {
    socket.write(line);
    socket.once('data', () => socket.resetAndDestroy());
  });
  void probe.ask('word');
  expect(await probe.ended).toBe('rst');
});

test.each<[string, (socket: Socket) => void]>([
  ['an endless first line', (socket) => socket.write('x'.repeat(5000))],
  ['another line', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n')],
  ['nothing but an end', (socket) => socket.end()],
])('who says %s is no listener in mode info', async (_, serve) => {
  await expect(probeOf(serve)).rejects.toThrow(ProbeFailure);
});

test.each([
  '',
  'null',
  '[]',
  '{}',
  '"x"',
  '{"connectionId":1,"listenerId":2}',
  'x'.repeat(greetingBytesMax),
])('no greeting is read from %s', (text) => {
  expect(parseGreeting(text)).toBe(null);
});
