import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalIp,
  formatAddress,
  ipNumber,
  isLoopback,
  networkSet,
  parseCidr,
  plainIp,
} from './address.ts';
import { networkRules } from './network-rules.ts';

test('an IPv4-mapped address reads as IPv4, and nothing else changes', () => {
  expect(plainIp('::ffff:10.1.2.3')).toBe('10.1.2.3');
  expect(plainIp('::FFFF:10.1.2.3')).toBe('10.1.2.3');
  expect(['10.1.2.3', '::1', '::ffff:1', 'fe80::1'].map(plainIp)).toEqual([
    '10.1.2.3',
    '::1',
    '::ffff:1',
    'fe80::1',
  ]);
});

test('a zone is left out: it says nothing outside this host', () => {
  expect(plainIp('fe80::1%eth0')).toBe('fe80::1');
  expect(plainIp('::ffff:10.1.2.3%eth0')).toBe('10.1.2.3');
});

test('an address is a network of itself', () => {
  expect(parseCidr('10.0.0.1')).toEqual({ ip: '10.0.0.1', prefixLength: 32 });
  expect(parseCidr('::1')).toEqual({ ip: '::1', prefixLength: 128 });
  expect(parseCidr('10.0.0.0/8')).toEqual({ ip: '10.0.0.0', prefixLength: 8 });
  expect(parseCidr('::/0')).toEqual({ ip: '::', prefixLength: 0 });
});

test('what is no network is refused', () => {
  const refused = [
    '',
    '/8',
    'localhost',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/8.0',
    '10.0.0.0/ 8',
    '::/129',
    'fe80::1%lo',
    'fe80::%lo/10',
    '010.0.0.256',
  ];
  expect(refused.filter((text) => parseCidr(text) !== null)).toEqual([]);
});

test('a mapped network is the IPv4 network that it maps', () => {
  expect(parseCidr('::ffff:10.0.0.0/104')).toEqual({ ip: '10.0.0.0', prefixLength: 8 });
  expect(parseCidr('::ffff:10.0.0.1')).toEqual({ ip: '10.0.0.1', prefixLength: 32 });
});

test.each([
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:7f00:1',
  '0:0:0:0:0:FFFF:127.0.0.1',
  '0000::0:ffff:7f00:0001',
])('%s is 127.0.0.1, in whichever way it is written', (text) => {
  expect(canonicalIp(text)).toBe('127.0.0.1');
  expect(parseCidr(text)).toEqual({ ip: '127.0.0.1', prefixLength: 32 });
  expect(parseCidr(`${text}/104`)).toEqual({ ip: '127.0.0.1', prefixLength: 8 });
  expect(parseCidr(`${text}/95`)).toEqual({ ip: text, prefixLength: 95 });
  expect(networkSet([`${text}/104`])('127.9.9.9')).toBe(true);
  expect(networkRules([], [`${text}/104`])('127.9.9.9')).toBe('denied');
  expect(isLoopback(text)).toBe(true);
});

test('an address is brought to the one form in which it is written', () => {
  expect(canonicalIp('2001:DB8:0:0::1')).toBe('2001:db8::1');
  expect(canonicalIp('FE80:0::1%eth0')).toBe('fe80::1');
  expect(['10.0.0.1', 'localhost', 'a:b', ''].map(canonicalIp)).toEqual([
    '10.0.0.1',
    'localhost',
    'a:b',
    '',
  ]);
});

test('an IPv6 address is written in brackets', () => {
  expect(formatAddress({ ip: '127.0.0.1', port: 80 })).toBe('127.0.0.1:80');
  expect(formatAddress({ ip: '::1', port: 80 })).toBe('[::1]:80');
});

test('a set of networks holds the addresses of each of them', () => {
  const has = networkSet(['10.1.0.0/16', '192.168.0.7', 'fd00::/8']);
  const inside = ['10.1.0.0', '10.1.255.255', '192.168.0.7', 'fd12::1', '::ffff:10.1.2.3'];
  const outside = ['10.2.0.0', '192.168.0.8', 'fe80::1', '::1', '::ffff:10.2.0.0'];
  expect(inside.filter((ip) => !has(ip))).toEqual([]);
  expect(outside.filter(has)).toEqual([]);
});

test('an empty set of networks holds nothing', () => {
  expect(networkSet([])('127.0.0.1')).toBe(false);
});

test('all of one family is nothing of the other', () => {
  expect(networkSet(['0.0.0.0/0'])('10.0.0.1')).toBe(true);
  expect(networkSet(['0.0.0.0/0'])('::1')).toBe(false);
  expect(networkSet(['::/0'])('::1')).toBe(true);
  expect(networkSet(['::/0'])('10.0.0.1')).toBe(false);
});

test('bits behind the prefix do not matter', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const ip = fc.tuple(octet, octet, octet, octet);
  const value = (octets: readonly number[]) => octets.reduce((sum, one) => sum * 256 + one, 0);
  fc.assert(
    fc.property(ip, ip, fc.integer({ min: 0, max: 32 }), (network, address, length) => {
      const size = 2 ** (32 - length);
      const isInside = Math.floor(value(network) / size) === Math.floor(value(address) / size);
      return networkSet([`${network.join('.')}/${length}`])(address.join('.')) === isInside;
    }),
  );
});

test('what is no network cannot be put into a set', () => {
  expect(() => networkSet(['10.0.0.0/40'])).toThrow('not a network: 10.0.0.0/40');
});

test('loopback is 127.0.0.0/8, ::1 and localhost, and no other name', () => {
  const inside = ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'];
  const outside = ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'example.com', '127.1', ''];
  expect(inside.filter((host) => !isLoopback(host))).toEqual([]);
  expect(outside.filter(isLoopback)).toEqual([]);
});

test.each([
  ['0.0.0.0', 0n],
  ['255.255.255.255', 0xffff_ffffn],
  ['192.0.2.1', 0xc000_0201n],
  ['::', 0n],
  ['::1', 1n],
  ['1::', 1n << 112n],
  ['2001:db8::8:800:200c:417a', 0x2001_0db8_0000_0000_0008_0800_200c_417an],
  ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  ['64:ff9b::192.0.2.33', 0x0064_ff9b_0000_0000_0000_0000_c000_0221n],
  ['FFFF::ffff', (0xffffn << 112n) | 0xffffn],
])('%s is one number', (ip, number) => {
  expect(ipNumber(ip)).toBe(number);
});
