/** A bind that fails is tried again and again: what it leaves behind would add up. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { echoContext, sampleBinding } from '../../test/support/echo-context.ts';
import { faultOf } from '../../test/support/fault-bench.ts';
import type { Protocol } from '../core/listener.ts';
import type { Binding } from '../core/ports.ts';
import { SocketBudget } from './socket-budget.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function bindingOf(protocol: Protocol, host: string, port: number): Binding {
  const expiresAt = (Date.now() + 60_000) * 1000;
  const faults = [faultOf({ type: 'refuse' }, { expiresAt })];
  return sampleBinding({ protocol, host, port, faults });
}

/** Another socket has the port. */
async function takePort(protocol: Protocol) {
  if (protocol === 'udp') {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { port: socket.address().port, close: () => void socket.close() };
  }
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    close: () => void server.close(),
  };
}

test.each([
  ['tcp', 'first', '127.0.0.1'],
  ['tcp', 'next', '127.0.0.1'],
  ['tcp', 'alone', '0.0.0.0'],
  ['udp', 'first', '127.0.0.1'],
  ['udp', 'next', '127.0.0.1'],
  ['udp', 'alone', '0.0.0.0'],
] as const)('%s, %s on %s: no timer and no socket of the budget', async (protocol, share, host) => {
  const context = echoContext({ sockets: new SocketBudget(3, () => undefined) });
  const guards = new UdpGuards(context.settings, context.clock);
  const taken = await takePort(protocol);
  for (let attempt = 0; attempt < 5; attempt++) {
    const binding = bindingOf(protocol, host, taken.port);
    const listener =
      protocol === 'udp'
        ? new UdpListener(binding, context, guards)
        : new TcpListener(binding, context);
    await expect(listener.bind(share)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  }
  taken.close();
  expect(vi.getTimerCount()).toBe(0);
  expect([context.sockets.take(), context.sockets.take(), context.sockets.take()]).toEqual([
    true,
    true,
    true,
  ]);
});
