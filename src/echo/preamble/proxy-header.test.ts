import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { headerBytesMax, parseProxyHeader } from './proxy-header.ts';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

function v2(first: number, second: number, rest: Uint8Array, length = rest.length): Buffer {
  const head = Buffer.from([first, second, length >> 8, length & 0xff]);
  return Buffer.concat([signature, head, rest]);
}

function tlv(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

const inet = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb]);
const inet6 = Buffer.from(
  '20010db8000000000000000000000001' + '00000000000000000000ffffc0000201' + 'dc0401bb',
  'hex',
);
const raddr = { ip: '192.0.2.1', port: 56_324 };
const laddr = { ip: '198.51.100.2', port: 443 };

test('CRC-32C is the one of RFC 9260', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.from('1234'), Buffer.from('56789'))).toBe(0xe3069283);
});

test.each([
  ['TCP4 192.0.2.1 198.51.100.2 56324 443', raddr, laddr],
  [
    'TCP4 255.255.255.255 0.0.0.0 65535 0',
    { ip: '255.255.255.255', port: 65_535 },
    { ip: '0.0.0.0', port: 0 },
  ],
  ['TCP6 2001:DB8:0::1 ::1 1 2', { ip: '2001:db8::1', port: 1 }, { ip: '::1', port: 2 }],
  ['TCP6 ::ffff:192.0.2.1 ::FFFF:c633:6402 56324 443', raddr, laddr],
  ['UNKNOWN', null, null],
  ['UNKNOWN ffff::1 whatever it says', null, null],
])('version 1: %s', (line, declaredRaddr, declaredLaddr) => {
  const byteLength = line.length + 8;
  expect(parseProxyHeader(Buffer.from(`PROXY ${line}\r\nGET /`))).toEqual({
    kind: 'header',
    byteLength,
    declaredRaddr,
    declaredLaddr,
  });
});

test.each([
  'TCP4 192.0.2.1 198.51.100.2 056324 443',
  'TCP4 192.0.2.1 198.51.100.2 65536 443',
  'TCP4 192.0.2.1 198.51.100.2 -1 443',
  'TCP4 192.0.2.1 198.51.100.2 1',
  'TCP4 192.0.2.1 198.51.100.2 1 2 3',
  'TCP4 192.0.2.1  198.51.100.2 1 2',
  'TCP4 192.0.2.01 198.51.100.2 1 2',
  'TCP4 192.0.2 198.51.100.2 1 2',
  'TCP4 ::1 ::1 1 2',
  'TCP6 1.2.3.4 1.2.3.4 1 2',
  'TCP6 fe80::1%eth0 ::1 1 2',
  'UDP4 1.2.3.4 1.2.3.4 1 2',
  'tcp4 1.2.3.4 1.2.3.4 1 2',
  'UNKNOWNS',
  '',
  ' TCP4 1.2.3.4 1.2.3.4 1 2',
  'TCP4 1.2.3.4 1.2.3.4 1 2 ',
])('version 1 refuses %j', (line) => {
  expect(parseProxyHeader(Buffer.from(`PROXY ${line}\r\n`)).kind).toBe('invalid');
});

test('a line of version 1 has 107 bytes at most', () => {
  const long = (bytes: number) => Buffer.from(`PROXY UNKNOWN ${'x'.repeat(bytes - 16)}\r\n`);
  expect(parseProxyHeader(long(107))).toMatchObject({ kind: 'header', byteLength: 107 });
  expect(parseProxyHeader(long(108)).kind).toBe('invalid');
  expect(parseProxyHeader(long(108).subarray(0, 107)).kind).toBe('invalid');
  expect(parseProxyHeader(long(108).subarray(0, 106))).toEqual({
    kind: 'need_more',
    isHeader: true,
  });
});

const unix = Buffer.alloc(216, 'a');
const checksummed = (() => {
  const whole = v2(0x21, 0x11, Buffer.concat([inet, tlv(3, Buffer.alloc(4)), tlv(4, inet)]));
  whole.writeUInt32BE(crc32c(whole), 16 + 12 + 3);
  return whole;
})();

test.each([
  ['TCP over IPv4', v2(0x21, 0x11, inet), raddr, laddr],
  ['UDP over IPv4', v2(0x21, 0x12, inet), raddr, laddr],
  [
    'IPv6, and a mapped address',
    v2(0x21, 0x21, inet6),
    { ip: '2001:db8::1', port: 56_324 },
    { ip: '192.0.2.1', port: 443 },
  ],
  ['a UNIX socket', v2(0x21, 0x31, unix), null, null],
  ['UNSPEC', v2(0x21, 0x00, Buffer.alloc(0)), null, null],
  ['UNSPEC with whatever', v2(0x21, 0x00, inet), null, null],
  ['LOCAL', v2(0x20, 0x00, Buffer.alloc(0)), null, null],
  ['LOCAL with addresses', v2(0x20, 0x11, inet), null, null],
  ['LOCAL of an unknown family', v2(0x20, 0xff, inet), null, null],
  [
    'type-length-values',
    v2(0x21, 0x11, Buffer.concat([inet, tlv(1, Buffer.from('h2')), tlv(0xee, Buffer.alloc(0))])),
    raddr,
    laddr,
  ],
  [
    'the longest',
    v2(0x21, 0x11, Buffer.concat([inet, tlv(4, Buffer.alloc(headerBytesMax - 16 - 12 - 3))])),
    raddr,
    laddr,
  ],
  ['a right checksum', checksummed, raddr, laddr],
])('version 2: %s', (_, bytes, declaredRaddr, declaredLaddr) => {
  const { length: byteLength } = bytes;
  const header = { kind: 'header', byteLength, declaredRaddr, declaredLaddr };
  expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('hello')]))).toEqual(header);
});

test.each([
  ['version 1 in binary', v2(0x11, 0x11, inet)],
  ['version 3', v2(0x31, 0x11, inet)],
  ['a third command', v2(0x22, 0x11, inet)],
  ['a fourth family', v2(0x21, 0x41, inet)],
  ['a third transport', v2(0x21, 0x13, inet)],
  ['too few bytes for IPv4', v2(0x21, 0x11, inet.subarray(0, 11))],
  ['too few bytes for IPv6', v2(0x21, 0x21, inet6.subarray(0, 35))],
  ['too few bytes for a UNIX socket', v2(0x21, 0x31, unix.subarray(0, 215))],
  ['more than is taken', v2(0x21, 0x11, inet, headerBytesMax - 16 + 1)],
  ['all that the format allows', v2(0x21, 0x11, inet, 65_535)],
  ['a TLV that is cut off in its head', v2(0x21, 0x11, Buffer.concat([inet, Buffer.from([1, 0])]))],
  ['a TLV that is cut off', v2(0x21, 0x11, Buffer.concat([inet, Buffer.from([1, 0, 2, 0])]))],
  ['a checksum of three bytes', v2(0x21, 0x11, Buffer.concat([inet, tlv(3, Buffer.alloc(3))]))],
  ['a wrong checksum', v2(0x21, 0x11, Buffer.concat([inet, tlv(3, Buffer.alloc(4))]))],
])('version 2 refuses %s', (_, bytes) => {
  expect(parseProxyHeader(bytes).kind).toBe('invalid');
});

const port = fc.integer({ min: 0, max: 65_535 });
const v1Header = fc
  .oneof(
    fc.tuple(fc.constant('TCP4'), fc.ipV4(), fc.ipV4(), port, port),
    fc.tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6(), port, port),
  )
  .map((fields) => Buffer.from(`PROXY ${fields.join(' ')}\r\n`))
  .filter((bytes) => bytes.length <= 107);
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const tlvs = fc
  .array(fc.tuple(fc.integer({ min: 4, max: 255 }), fc.uint8Array({ maxLength: 50 })), {
    maxLength: 5,
  })
  .map((all) => Buffer.concat(all.map(([type, value]) => tlv(type, value))));
const v2Header = fc
  .oneof(
    fc.tuple(fc.constantFrom(0x11, 0x12), bytesOf(12), tlvs),
    fc.tuple(fc.constantFrom(0x21, 0x22), bytesOf(36), tlvs),
    fc.tuple(fc.constantFrom(0x31, 0x32), bytesOf(216), tlvs),
  )
  .map(([family, addresses, rest]) => v2(0x21, family, Buffer.concat([addresses, rest])));
const anyHeader = fc.oneof(v1Header, v2Header);

test('every part of a good header needs more, and what comes behind it changes nothing', () => {
  fc.assert(
    fc.property(anyHeader, fc.uint8Array({ maxLength: 40 }), (bytes, behind) => {
      const whole = parseProxyHeader(bytes);
      expect(whole).toMatchObject({ kind: 'header', byteLength: bytes.length });
      for (let length = 0; length < bytes.length; length++) {
        expect(parseProxyHeader(bytes.subarray(0, length)).kind).toBe('need_more');
      }
      expect(parseProxyHeader(Buffer.concat([bytes, behind]))).toEqual(whole);
    }),
  );
});

test('whatever comes, the answer is final, in bounds, and never thrown', () => {
  const mutated = fc
    .tuple(anyHeader, fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 }))))
    .map(([bytes, changes]) => {
      const copy = Buffer.from(bytes);
      for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte;
      return copy;
    });
  const prefixed = fc
    .tuple(fc.constantFrom(signature, Buffer.from('PROXY ')), fc.uint8Array({ maxLength: 300 }))
    .map((parts) => Buffer.concat(parts));
  const anything = fc.oneof(
    mutated,
    prefixed,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(anything, fc.nat(300), (bytes, cut) => {
      const whole = parseProxyHeader(bytes);
      const part = parseProxyHeader(bytes.subarray(0, cut));
      // An answer stays what it is, however many bytes follow.
      if (part.kind !== 'need_more') expect(whole).toEqual(part);
      else if (part.isHeader) expect(whole.kind).not.toBe('none');
      if (whole.kind === 'header') expect(whole.byteLength).toBeLessThanOrEqual(bytes.length);
      if (whole.kind === 'need_more') expect(bytes.length).toBeLessThan(headerBytesMax);
    }),
    { numRuns: 2000 },
  );
});
