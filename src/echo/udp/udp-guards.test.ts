import { expect, test } from 'vitest';
import type { WorkerSettings } from '../messages.ts';
import { LoopBreaker, UdpGuards } from './udp-guards.ts';

const settings: WorkerSettings = {
  nodeId: 'node',
  connectionsMax: 10,
  recordBatchMax: 10,
  recordsUnackedMax: 10,
  countersIntervalMs: 1000,
  heartbeatMs: 1000,
  workers: 1,
  refusalsPerSecondMax: 10,
  faultHeldBytesMax: 10,
  faultHeldBytesTotalMax: 10,
  faultTurnMs: 2,
  preambleTimeoutMs: 10,
  lingerMs: 10,
  udpSessionsMax: 3,
  udpDatagramsPerSecondMax: 10,
  udpDatagramsBurstMax: 2,
  udpLoopWindowMs: 500,
  udpLoopReturnsMax: 100,
  udpHeldBytesMax: 10,
  udpSendQueueBytesMax: 10,
};

function world() {
  const clock = { time: 1e15, now: () => clock.time };
  return { clock, guards: new UdpGuards(settings, clock) };
}

test('no source port of a reflecting service is answered, and no port 0', () => {
  const { guards } = world();
  const refused = Array.from({ length: 65_536 }, (_, port) => port).filter(
    (port) => guards.sourceRefusal({ ip: '198.51.100.1', port }) === 'udp_source_port',
  );
  expect(refused).toEqual([0, 7, 13, 17, 19, 37, 53, 69, 123, 161, 1900, 5353, 11_211]);
});

test('no broadcast, multicast or unspecified source is answered', () => {
  const { guards } = world();
  const rule = (ip: string) => guards.sourceRefusal({ ip, port: 40_000 });
  const refused = ['0.0.0.0', '0.1.2.3', '224.0.0.1', '239.255.255.250', '255.255.255.255', '::'];
  for (const ip of [...refused, 'ff02::1', 'ffff::1', '127.255.255.255']) {
    expect([ip, rule(ip)]).toEqual([ip, 'udp_source_address']);
  }
  for (const ip of ['127.0.0.1', '10.0.0.255', '223.255.255.1', '::1', 'ff::1', 'fe80::1']) {
    expect([ip, rule(ip)]).toEqual([ip, null]);
  }
});

test('a listener of our own is known by its address, and at a wildcard by any of this host', () => {
  const { guards } = world();
  const rule = (ip: string, port: number) => guards.sourceRefusal({ ip, port });
  guards.ownListeners.add({ ip: '192.0.2.77', port: 5000 });
  guards.ownListeners.add({ ip: '127.0.0.1', port: 5000 });
  expect(rule('192.0.2.77', 5000)).toBe('udp_own_listener');
  expect(rule('192.0.2.78', 5000)).toBeNull();
  expect(rule('127.0.0.2', 5000)).toBeNull();
  guards.ownListeners.add({ ip: '0.0.0.0', port: 5001 });
  expect(rule('127.0.0.2', 5001)).toBe('udp_own_listener');
  expect(rule('198.51.100.1', 5001)).toBeNull();
  expect(rule('::1', 5001)).toBeNull();
  guards.ownListeners.add({ ip: '::', port: 5002 });
  expect([rule('::1', 5002), rule('127.0.0.1', 5002)]).toEqual(Array(2).fill('udp_own_listener'));
  guards.ownListeners.delete({ ip: '127.0.0.1', port: 5000 });
  expect(rule('127.0.0.1', 5000)).toBeNull();
  expect(rule('192.0.2.77', 5000)).toBe('udp_own_listener');
});

test('a source has one rate over all its sessions, which a new session does not renew', () => {
  const { guards, clock } = world();
  const { sources } = guards;
  const first = sources.opened('198.51.100.1');
  expect(sources.opened('198.51.100.1')).toBe(first);
  expect([1, 2, 3].map(() => first.bucket.take(clock.now()))).toEqual([true, true, false]);
  sources.closed(first);
  sources.closed(first);
  const again = sources.opened('198.51.100.1');
  expect(again.bucket.take(clock.now())).toBe(false);
  sources.closed(again);
  clock.time += 1e6;
  expect(sources.opened('198.51.100.1').bucket.take(clock.now())).toBe(true);
});

test('the sources that are kept are bounded, however fast sessions come and go', () => {
  const { guards, clock } = world();
  const { sources } = guards;
  for (let n = 0; n < 1000; n++) {
    const source = sources.opened(`198.51.100.${n}`);
    source.bucket.take(clock.now());
    sources.closed(source);
  }
  expect(sources.size).toBeLessThanOrEqual(settings.udpSessionsMax + 1);
  clock.time += 1e6;
  const open = ['a', 'b', 'c'].map((ip) => sources.opened(ip));
  expect(sources.hasRoom).toBe(false);
  for (const source of open) sources.closed(source);
  expect(sources.hasRoom).toBe(true);
  expect(sources.size).toBe(0);
});

/** How many datagrams of `payloads` are answered when each answer comes back `gapMs` later, `rounds` times. */
function bounce(breaker: LoopBreaker, payloads: readonly Buffer[], gapMs: number, rounds: number) {
  let now = 1e15;
  let alive = payloads;
  let answered = 0;
  for (let round = 0; round < rounds && alive.length > 0; round++) {
    alive = alive.filter((payload) => !breaker.breaks(7, payload, now));
    answered += alive.length;
    now += gapMs * 1000;
  }
  return { answered, alive: alive.length };
}

test('a datagram that loops is ended after so many returns, at any pace of the loop', () => {
  for (const gapMs of [0.1, 1, 100, 499]) {
    const end = bounce(new LoopBreaker(settings), [Buffer.from('x')], gapMs, 10_000);
    expect(end).toEqual({ answered: settings.udpLoopReturnsMax, alive: 0 });
  }
});

test('thousands of datagrams that loop at once all end, also those that share a slot', () => {
  const payloads = Array.from({ length: 100_000 }, (_, n) => Buffer.from(`payload ${n}`));
  const end = bounce(new LoopBreaker({ ...settings, udpLoopReturnsMax: 10 }), payloads, 1, 3000);
  expect(end.alive).toBe(0);
});

test('equal datagrams slower than the window, and different ones at any rate, are never refused', () => {
  const breaker = new LoopBreaker(settings);
  const slow = bounce(breaker, [Buffer.from('are you there?')], 501, 10_000);
  expect(slow).toEqual({ answered: 10_000, alive: 1 });
  const different = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`datagram ${n}`));
  const now = 2e15;
  expect(different.filter((each) => breaker.breaks(7, each, now))).toEqual([]);
});

test('a client that sends equal datagrams fast loses one in so many, and its neighbours none', () => {
  const breaker = new LoopBreaker(settings);
  const payload = Buffer.from('ping');
  let lost = 0;
  for (let n = 0; n < 1000; n++) if (breaker.breaks(7, payload, 1e15 + n)) lost += 1;
  expect(lost).toBe(Math.floor(1000 / (settings.udpLoopReturnsMax + 1)));
  expect(breaker.breaks(8, payload, 1e15)).toBe(false);
});

test('a loop through a fault that changes, puts off or doubles what comes back ends too', () => {
  const changing = new LoopBreaker(settings);
  let now = 1e15;
  let rounds = 0;
  for (let payload = 0; rounds < 10_000; rounds++) {
    if (changing.breaks(7, Buffer.from(`altered ${payload}`), now)) break;
    payload += 1;
    now += 800_000;
    changing.answers(7, Buffer.from(`altered ${payload}`), changing.lastReturns, now);
    now += 1000;
  }
  expect(rounds).toBe(settings.udpLoopReturnsMax);
  const doubling = new LoopBreaker(settings);
  let alive = 1;
  for (rounds = 0; alive > 0 && rounds < 10_000; rounds++) {
    let next = 0;
    for (let n = 0; n < Math.min(alive, 20_000); n++) {
      if (!doubling.breaks(7, Buffer.from('twice'), now, true)) next += 2;
    }
    alive = next;
    now += 1000;
  }
  expect(alive).toBe(0);
});
