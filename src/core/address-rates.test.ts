import { expect, test } from 'vitest';
import { AddressRates } from './address-rates.ts';

const rates = (addressesMax = 10) => new AddressRates({ perSecond: 1, burst: 1 }, addressesMax);

test('each address has a rate of its own', () => {
  const own = rates();
  expect(own.of('192.0.2.1', 0).take(0)).toBe(true);
  expect(own.of('192.0.2.1', 0).take(0)).toBe(false);
  expect(own.of('192.0.2.2', 0).take(0)).toBe(true);
  expect(own.of(null, 0).take(0)).toBe(true);
});

test('the addresses of one /64 share theirs', () => {
  const own = rates();
  expect(own.of('2001:db8:0:1::1', 0).take(0)).toBe(true);
  expect(own.of('2001:db8:0:1:ffff::', 0).take(0)).toBe(false);
  expect(own.of('2001:db8::2', 0).take(0)).toBe(true);
  expect(own.of('2001:db8:0:0:9::2', 0).take(0)).toBe(false);
  expect(own.of('::1', 0).take(0)).toBe(true);
});

test('an IPv4 address that an IPv6 socket tells is the IPv4 address', () => {
  const own = rates();
  expect(own.of('::ffff:192.0.2.1', 0).take(0)).toBe(true);
  expect(own.of('::ffff:192.0.2.2', 0).take(0)).toBe(true);
  expect(own.of('192.0.2.1', 0).take(0)).toBe(false);
});

test('no more than so many addresses are kept, the newest ones', () => {
  const own = rates(2);
  for (const address of ['192.0.2.1', '192.0.2.2']) own.of(address, 0).take(0);
  own.of('192.0.2.1', 0);
  own.of('192.0.2.3', 0);
  expect(own.of('192.0.2.1', 0).take(0)).toBe(false);
  expect(own.of('192.0.2.2', 0).take(0)).toBe(true);
});
