import { expect, test } from 'vitest';
import { broadcastOf, HostAddresses, isCovered } from './host-addresses.ts';

test('the last address of an IPv4 network is its broadcast address', () => {
  const of = (address: string, netmask: string) => broadcastOf({ address, netmask });
  expect(of('192.0.2.2', '255.255.255.0')).toBe('192.0.2.255');
  expect(of('10.1.2.3', '255.255.240.0')).toBe('10.1.15.255');
  expect(of('10.0.0.4', '255.255.255.254')).toBeNull();
  expect(of('10.0.0.4', '255.255.255.255')).toBeNull();
  expect(of('fd00::2', 'ffff:ffff:ffff:ffff::')).toBeNull();
});

test('every loopback address is one of this host, and of what is bound only what can be', () => {
  const host = new HostAddresses({ monotonic: () => 0 });
  expect([host.has('127.9.9.9'), host.has('::1'), host.has('198.51.100.1')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(host.unicast).toContain('127.0.0.1');
  expect(host.isBroadcast('255.255.255.255')).toBe(true);
});

test('a wildcard covers its family, and :: both', () => {
  expect(isCovered('0.0.0.0', '127.0.0.1')).toBe(true);
  expect(isCovered('0.0.0.0', '::1')).toBe(false);
  expect(isCovered('::', '127.0.0.1')).toBe(true);
  expect(isCovered('127.0.0.1', '127.0.0.2')).toBe(false);
});

test('where a session is, is an address of this host, until the last of them has left', () => {
  const host = new HostAddresses({ monotonic: () => 0 });
  host.asked('198.51.100.1');
  host.asked('198.51.100.1');
  host.left('198.51.100.1');
  expect([host.has('198.51.100.1'), host.has('198.51.100.2')]).toEqual([true, false]);
  host.left('198.51.100.1');
  expect(host.has('198.51.100.1')).toBe(false);
});
