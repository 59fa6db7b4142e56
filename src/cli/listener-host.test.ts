import { expect, test } from 'vitest';
import { addressFor, hostHere } from './listener-host.ts';

test('a listener on all addresses is reached where kodama is', () => {
  for (const ip of ['0.0.0.0', '::']) {
    expect(hostHere(ip, 'https://kodama.example:8443/behind')).toBe('kodama.example');
    expect(hostHere(ip, 'http://192.0.2.1:8080')).toBe('192.0.2.1');
  }
  expect(hostHere('::', 'http://[2001:db8::1]:8080')).toBe('2001:db8::1');
  // Nobody hears there who listens on the addresses of the other family.
  expect(hostHere('0.0.0.0', 'http://[2001:db8::1]:8080')).toBe(undefined);
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    expect(hostHere('0.0.0.0', `http://${host}:8080`)).toBe('127.0.0.1');
    expect(hostHere('::', `http://${host}:8080`)).toBe('::1');
  }
});

test('one on an address is reached there', () => {
  expect(hostHere('127.0.0.2', 'http://kodama.example')).toBe('127.0.0.2');
  expect(hostHere('2001:db8::2', 'http://127.0.0.1:8080')).toBe('2001:db8::2');
});

test('of another node the first address is taken at which it hears and can be reached', () => {
  const all = ['fe80::1', '2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'];
  expect(addressFor('0.0.0.0', all)).toBe('192.0.2.1');
  expect(addressFor('::', all)).toBe('2001:db8::1');
  expect(addressFor('::', ['febf::1', '192.0.2.1'])).toBe('192.0.2.1');
  expect(addressFor('::', ['fe80::1'])).toBe(undefined);
  expect(addressFor('0.0.0.0', ['2001:db8::1'])).toBe(undefined);
});
