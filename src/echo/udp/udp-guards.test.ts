import { expect, test } from 'vitest';
import type { WorkerSettings } from '../messages.ts';
import { HeldBytes } from './held-bytes.ts';
import { UdpGuards } from './udp-guards.ts';

const settings: WorkerSettings = {
  nodeId: 'node',
  connectionsMax: 10,
  recordBatchMax: 10,
  recordsUnackedMax: 10,
  countersIntervalMs: 1000,
  firstCountersMs: 500,
  heartbeatMs: 1000,
  workers: 1,
  refusalsPerSecondMax: 10,
  faultHeldBytesMax: 10,
  faultHeldBytesTotalMax: 10,
  faultTurnMs: 2,
  roundTurnMs: 2,
  preamblesMax: 10,
  preamblePatienceMs: 10,
  preambleTimeoutMs: 10,
  optionalHeaderWaitMs: 10,
  tlsHandshakeBytesMax: 10,
  tlsAnswerBytesMax: 10,
  tlsAnswerLookMs: 10,
  resetLookMs: 10,
  lingerMs: 10,
  udpSessionsMax: 3,
  udpDatagramsPerSecondMax: 10,
  udpDatagramsBurstMax: 2,
  udpBytesPerSecondMax: 1000,
  udpBytesBurstMax: 300,
  udpLoopWindowMs: 500,
  udpLoopReturnsMax: 100,
  udpWildcardTurnMax: 64,
  udpHeldBytesMax: 10,
  udpHeldBytesTotalMax: 10,
  udpSendQueueBytesMax: 10,
  udpSendQueueBytesTotalMax: 10,
};

function world() {
  const clock = { time: 1e15, monotonic: () => clock.time };
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
  expect([1, 2, 3].map(() => first.rate.take(clock.monotonic(), 1, 10))).toEqual([
    true,
    true,
    false,
  ]);
  sources.closed(first);
  sources.closed(first);
  const again = sources.opened('198.51.100.1');
  expect(again.rate.take(clock.monotonic(), 1, 10)).toBe(false);
  sources.closed(again);
  clock.time += 1e6;
  expect(sources.opened('198.51.100.1').rate.take(clock.monotonic(), 1, 10)).toBe(true);
});

test('the sources that are kept are bounded, however fast sessions come and go', () => {
  const { guards, clock } = world();
  const { sources } = guards;
  for (let n = 0; n < 1000; n++) {
    const source = sources.opened(`198.51.100.${n}`);
    source.rate.take(clock.monotonic(), 1, 10);
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

test('a source has a rate of bytes, too, and each of several answers takes its part of it', () => {
  const settled = world();
  const rate = (ip: string) => settled.guards.sources.opened(ip).rate;
  const now = settled.clock.monotonic();
  const one = rate('198.51.100.1');
  expect([one.take(now, 1, 200), one.take(now, 1, 200)]).toEqual([true, false]);
  expect(rate('198.51.100.2').take(now, 2, 200)).toBe(false);
  expect(rate('198.51.100.3').take(now, 3, 10)).toBe(false);
});

test('what waits has a bound for each listener, and one for all of them', () => {
  const whole = new HeldBytes(1000);
  const [one, other] = [new HeldBytes(600, whole), new HeldBytes(600, whole)];
  const datagram = Buffer.alloc(100);
  expect([one, one, other, other].map((held) => held.take(datagram))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  one.give(datagram);
  other.give(datagram);
  expect(whole.take(Buffer.alloc(700))).toBe(true);
});
