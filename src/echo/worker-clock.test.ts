/** Someone sets the time of day, by a day and either way: what is measured in a worker goes on as it was. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { echoContext, sampleBinding, settableClock } from '../../test/support/echo-context.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { ListenerLimits } from '../core/listener.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** One listener, and one client that has had an answer. */
async function openOne(protocol: 'tcp' | 'udp', limits: Partial<ListenerLimits>) {
  await using resources = new AsyncDisposableStack();
  const clock = settableClock();
  const context = echoContext({ clock });
  const binding = sampleBinding({ protocol, limits: { ...sampleLimits, ...limits } });
  const listener =
    protocol === 'udp'
      ? new UdpListener(binding, context, new UdpGuards(context.settings, clock))
      : new TcpListener(binding, context);
  const { port } = await listener.bind('alone');
  resources.defer(() => listener.close(0, 'listener_deleted'));
  listener.serve();
  const say = protocol === 'udp' ? udpClient(port, resources) : await tcpClient(port, resources);
  await say();
  const all = resources.move();
  return {
    clock,
    port,
    say,
    open: context.connections,
    /** As a PATCH does: all that is measured is looked at. */
    update: (change: Partial<ListenerLimits>) =>
      listener.update({ limits: { ...binding.limits, ...change }, faults: [] }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function tcpClient(port: number, resources: AsyncDisposableStack) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  resources.defer(() => void socket.destroy());
  await once(socket, 'connect');
  return async () => {
    socket.write('ping');
    await once(socket, 'data');
  };
}

function udpClient(port: number, resources: AsyncDisposableStack) {
  const socket = createSocket('udp4');
  resources.defer(() => void socket.close());
  return async () => {
    socket.send('ping', port, '127.0.0.1');
    await once(socket, 'message');
  };
}

test.each(['tcp', 'udp'] as const)('%s: set forward, nobody is closed early', async (protocol) => {
  await using world = await openOne(protocol, {
    idleTimeoutMs: hourMs,
    udpIdleTimeoutMs: hourMs,
    maxDurationMs: hourMs,
  });
  const [before] = world.open.keys();
  world.clock.set(dayMs);
  await world.update({ idleTimeoutMs: hourMs + 1 });
  await world.say();
  expect([...world.open.keys()]).toEqual([before]);
});

test.each(['tcp', 'udp'] as const)('%s: set back, the idle are still closed', async (protocol) => {
  await using world = await openOne(protocol, { idleTimeoutMs: 300, udpIdleTimeoutMs: 300 });
  world.clock.set(-dayMs);
  await waitFor('the end', () => world.open.size === 0);
});

test.each(['tcp', 'udp'] as const)('%s: set back, the old are still closed', async (protocol) => {
  await using world = await openOne(protocol, { maxDurationMs: hourMs, udpIdleTimeoutMs: hourMs });
  world.clock.set(-dayMs);
  await world.update({ maxDurationMs: 300 });
  await waitFor('the end', () => world.open.size === 0);
});

test('set forward, it brings no new burst of accepts', async () => {
  await using world = await openOne('tcp', { acceptRate: { perSecond: 0.001, burst: 1 } });
  world.clock.set(dayMs);
  const second = connect(world.port, '127.0.0.1').on('error', () => undefined);
  await waitFor('the reset', () => second.destroyed);
  expect(world.open.size).toBe(1);
});
