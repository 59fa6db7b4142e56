import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sourceIpBy } from './source-ip.ts';

const forwarding = { trustedProxies: ['10.0.0.0/8', '::1', '2001:db8:1::/48'], hopsMax: 4 };
const sourceIp = sourceIpBy(forwarding);
const from = (peer: string, forwardedFor?: string) => sourceIp(peer, () => forwardedFor);

test('the right-most address that is no proxy of ours is the source', () => {
  expect(from('10.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
  expect(from('10.0.0.1', '203.0.113.7, 10.9.9.9')).toBe('203.0.113.7');
  expect(from('::1', '1.1.1.1,203.0.113.7,2001:db8:1::5')).toBe('203.0.113.7');
  expect(from('::ffff:10.0.0.1', '::ffff:203.0.113.7')).toBe('203.0.113.7');
  expect(from('10.0.0.1', '203.0.113.7, 0:0:0:0:0:ffff:a09:909')).toBe('203.0.113.7');
  expect(from('10.0.0.1', 'fe80::1%eth0')).toBe('fe80::1');
});

test('what somebody else says of themselves is nothing', () => {
  expect(from('203.0.113.7', '127.0.0.1')).toBe('203.0.113.7');
  expect(from('10.0.0.1', '127.0.0.1, 10.0.0.2, 203.0.113.7')).toBe('203.0.113.7');
  expect(sourceIpBy({ trustedProxies: [], hopsMax: 4 })('127.0.0.1', () => '1.2.3.4')).toBe(
    '127.0.0.1',
  );
});

test('the address may have a port behind it', () => {
  expect(from('10.0.0.1', '203.0.113.7:4711')).toBe('203.0.113.7');
  expect(from('10.0.0.1', '[2001:db8::7]:4711')).toBe('2001:db8::7');
  expect(from('10.0.0.1', '[2001:db8::7]')).toBe('2001:db8::7');
});

test.each([
  undefined,
  '',
  ',',
  'unknown',
  '_hidden',
  '203.0.113.7,',
  '203.0.113.7, garbage',
  '203.0.113.700',
  '203.0.113.7:99999999',
  '010.0.0.1',
  '[203.0.113.7',
  '"203.0.113.7"',
  '203.0.113.7 203.0.113.8',
  '203.0.113.7\u0000',
])('where %j is passed on the proxy itself is the source', (forwardedFor) => {
  expect(from('10.0.0.1', forwardedFor)).toBe('10.0.0.1');
});

test('where proxies are all that is named, the farthest that is believed is the source', () => {
  expect(from('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3');
  const hops = Array.from({ length: 9 }, (_, index) => `10.0.0.${index + 1}`).join();
  expect(from('10.0.0.99', hops)).toBe('10.0.0.6');
});

test('no header makes it anything but an address, and a long one costs no more', () => {
  const word = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', ' ', ','));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      expect(from('10.0.0.1', words.join())).toMatch(/^[\d.]+$|^[\da-f:.]+$/i);
    }),
  );
  let asked = 0;
  const long = `${'203.0.113.7,'.repeat(100_000)}203.0.113.8`;
  const counted = sourceIp('10.0.0.1', () => {
    asked += 1;
    return long;
  });
  expect([counted, asked]).toEqual(['203.0.113.8', 1]);
  sourceIp('203.0.113.7', () => expect.fail('it was read for a stranger'));
});

test('whose peer the system does not tell comes from nowhere', () => {
  expect(sourceIp(undefined, () => '203.0.113.7')).toBeNull();
  expect(sourceIp('unknown', () => '203.0.113.7')).toBeNull();
});
