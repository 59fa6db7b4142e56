import { BlockList } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkRules } from './network-rules.ts';

test('without networks everyone is allowed', () => {
  expect(networkRules([], [])('192.0.2.1')).toBe('allowed');
});

test('the longest network that matches decides, whichever list it stands in', () => {
  const verdict = networkRules(['10.1.0.0/16', '10.1.2.3'], ['10.0.0.0/8', '10.1.2.0/24']);
  expect(verdict('10.9.9.9')).toBe('denied');
  expect(verdict('10.1.9.9')).toBe('allowed');
  expect(verdict('10.1.2.9')).toBe('denied');
  expect(verdict('10.1.2.3')).toBe('allowed');
});

test('where networks are allowed by name, others are not listed; else they are allowed', () => {
  expect(networkRules(['10.0.0.0/8'], [])('11.0.0.1')).toBe('not_listed');
  expect(networkRules([], ['10.0.0.0/8'])('11.0.0.1')).toBe('allowed');
});

test('a network in both lists is denied', () => {
  expect(networkRules(['10.0.0.0/8'], ['10.0.0.0/8'])('10.0.0.1')).toBe('denied');
});

test('families stay apart, and a mapped address counts as IPv4', () => {
  const verdict = networkRules(['::/0'], ['127.0.0.0/8']);
  expect(verdict('2001:db8::1')).toBe('allowed');
  expect(verdict('192.0.2.1')).toBe('not_listed');
  expect(verdict('::ffff:127.0.0.1')).toBe('denied');
});

const nearIpv4 = fc
  .array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 4, maxLength: 4 })
  .map((octets) => octets.join('.'));
const nearIpv6 = fc
  .array(fc.constantFrom('0', '1', '7fff', '8000', 'ffff'), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(':'));

test.each([
  ['ipv4', 32, nearIpv4],
  ['ipv6', 128, nearIpv6],
] as const)('for any networks of %s it is as if each were looked at', (family, bits, address) => {
  const cidr = fc.tuple(address, fc.integer({ min: 0, max: bits }));
  const cidrs = fc.array(cidr, { maxLength: 12 });
  const lengthIn = (networks: readonly (readonly [string, number])[], ip: string) =>
    networks.reduce((longest, [base, length]) => {
      const list = new BlockList();
      list.addSubnet(base, length, family);
      return list.check(ip, family) ? Math.max(longest, length) : longest;
    }, -1);
  fc.assert(
    fc.property(cidrs, cidrs, fc.array(address), (allow, deny, ips) => {
      const textOf = ([base, length]: readonly [string, number]) => `${base}/${length}`;
      const verdict = networkRules(allow.map(textOf), deny.map(textOf));
      for (const ip of [...ips, ...allow.map(([base]) => base)]) {
        const [allowed, denied] = [lengthIn(allow, ip), lengthIn(deny, ip)];
        const otherwise = allow.length > 0 ? 'not_listed' : 'allowed';
        const expected = Math.max(allowed, denied) < 0 ? otherwise : null;
        expect(verdict(ip)).toBe(expected ?? (denied >= allowed ? 'denied' : 'allowed'));
      }
    }),
  );
});

test('all networks that a listener may name cost little more than one', () => {
  const many = Array.from({ length: 256 }, (_, n) => `10.${n}.${n}.0/${9 + (n % 24)}`);
  const six = Array.from(
    { length: 256 },
    (_, n) => `2001:db8:${n.toString(16)}::/${20 + (n % 109)}`,
  );
  const cpuOf = (verdict: (ip: string) => unknown) => {
    const before = process.cpuUsage();
    for (let n = 0; n < 20_000; n++) verdict(n % 2 === 0 ? '192.0.2.77' : '2001:db9::77');
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const few = networkRules(['10.0.0.0/8'], ['2001:db8::/32']);
  const all = networkRules(many, six);
  // What else the process does meanwhile only adds: the least of several is what it costs.
  const leastOf = (verdict: (ip: string) => unknown) =>
    Math.min(...Array.from({ length: 5 }, () => cpuOf(verdict)));
  expect(leastOf(all)).toBeLessThan(5 * leastOf(few));
});
