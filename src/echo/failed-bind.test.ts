/** A bind that fails is tried again and again: what it leaves behind would add up. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { boundlessFaults, faultOf } from '../../test/support/fault-bench.ts';
import { sampleId, sampleNewListener } from '../../test/support/samples.ts';
import { readConfig } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import type { Protocol } from '../core/listener.ts';
import type { Binding } from '../core/ports.ts';
import { ConnectionIds } from './connection-ids.ts';
import type { EchoContext } from './echo-listener.ts';
import { RecordQueue } from './record-queue.ts';
import { SocketBudget } from './socket-budget.ts';
import { PeerNames } from './tcp/peer-names.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';
import { WildcardReader } from './udp/wildcard-reader.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function makeContext(): EchoContext {
  const settings = { ...readConfig({}).dataPlane, nodeId: 'node-1', workers: 2, heartbeatMs: 1000 };
  const records = new RecordQueue({
    send: () => undefined,
    batchMax: 10,
    unackedMax: 10,
    onFull: () => undefined,
  });
  return {
    settings,
    clock: systemClock(),
    records,
    ids: new ConnectionIds(),
    connections: new Map(),
    sockets: new SocketBudget(3, () => undefined),
    peerNames: new PeerNames({ onMissing: () => undefined }),
    wildcards: new WildcardReader({ datagramsPerTurnMax: 64, onMissing: () => undefined }),
    faultResources: boundlessFaults(),
  };
}

function bindingOf(protocol: Protocol, host: string, port: number): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  const expiresAt = (Date.now() + 60_000) * 1000;
  const faults = [faultOf({ type: 'refuse' }, { expiresAt })];
  const own = { protocol, host, port, faults, tls: null, tlsKey: null };
  return { ...spec, ...own, listenerId: sampleId(1) };
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
  const context = makeContext();
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
