/** What gets lost is said again, and each time that takes a second. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ProbeFailure } from './probe.ts';
import { datagramBytes, UdpProbe } from './udp-probe.ts';

const never = new AbortController().signal;
const idOf = (digit: number) => `01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e9${digit}`;
const greeting = (digit: number) =>
  JSON.stringify({ connectionId: idOf(digit), listenerId: idOf(0) });

/** A server that answers the nth datagram with the nth of these; null is none, and `echo` what came. */
async function serverOf(answers: readonly (string | null)[]) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received: RemoteInfo[] = [];
  socket.on('message', (bytes, from) => {
    const answer = answers[received.length] ?? null;
    received.push(from);
    if (answer !== null) socket.send(answer === 'echo' ? bytes : answer, from.port, from.address);
  });
  return {
    received,
    place: { ip: '127.0.0.1', port: socket.address().port, signal: never },
    [Symbol.dispose]: () => void socket.close(),
  };
}

test('a greeting that got lost is asked for from another address', async () => {
  using server = await serverOf([null, greeting(1)]);
  using probe = await UdpProbe.open(server.place);
  expect(probe.greeting.connectionId).toBe(idOf(1));
  const [first, second] = server.received;
  expect(first?.size).toBe(datagramBytes);
  expect(second?.port).not.toBe(first?.port);
});

test('a word that got lost is said again, and how often is known', async () => {
  using server = await serverOf([greeting(1), 'noise', 'echo', greeting(2)]);
  using probe = await UdpProbe.open(server.place);
  expect(await probe.ask('one')).toBe('echo');
  expect(probe.tries).toBe(2);
  expect(await probe.ask('two')).toBe('remapped');
  expect(probe.tries).toBe(1);
});

test('who echoes and tells no session is not taken for a listener in mode info', async () => {
  using server = await serverOf(Array.from({ length: 20 }, () => 'echo'));
  await expect(UdpProbe.open(server.place)).rejects.toThrow(ProbeFailure);
});
