/**
 * The PROXY protocol's header, versions 1 and 2 (haproxy, doc/proxy-protocol.txt, 2020/03/05). Pure: it is asked again
 * with more bytes until it has an answer, and the answer is the same however the bytes were cut.
 *
 * - The bytes are a header from its signature on: what comes after that is right or an error, never the client's own.
 * - It reads nothing behind the header's own length, and waits for no more than `headerBytesMax`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type Address, canonicalIp } from '../../core/address.ts';
import { crc32c } from './crc32c.ts';

export type ProxyHeader =
  /** `isHeader`: the signature is there, so that these bytes cannot be the client's own any more. */
  | { readonly kind: 'need_more'; readonly isHeader: boolean }
  /** The first bytes cannot be a header. */
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly message: string }
  /** The addresses are null where the header names none that has an IP: LOCAL, UNKNOWN, UNSPEC, AF_UNIX. */
  | {
      readonly kind: 'header';
      readonly byteLength: number;
      readonly declaredRaddr: Address | null;
      readonly declaredLaddr: Address | null;
    };

/** The format allows 16 + 65,535; what is sent in earnest fits into the first segment (section 2.2). */
export const headerBytesMax = 4096;

/** Section 2.1. */
const v1Signature = Buffer.from('PROXY ');
const v1BytesMax = 107;
/** Section 2.2. */
const v2Signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v2FixedBytes = 16;
const addressBytes = { inet: 12, inet6: 36, unix: 216 };
const tlvHeadBytes = 3;
const tlvCrc32c = 0x03;

export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const v1 = matches(bytes, v1Signature);
  if (v1 === 'whole') return parseV1(bytes);
  const v2 = matches(bytes, v2Signature);
  if (v2 === 'whole') return parseV2(bytes);
  if (v1 === 'no' && v2 === 'no') return { kind: 'none' };
  return { kind: 'need_more', isHeader: false };
}

function matches(bytes: Buffer, signature: Buffer): 'whole' | 'so_far' | 'no' {
  const length = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, length, 0, length) !== 0) return 'no';
  return length === signature.length ? 'whole' : 'so_far';
}

function invalid(message: string): ProxyHeader {
  return { kind: 'invalid', message };
}

function header(
  byteLength: number,
  declaredRaddr: Address | null = null,
  declaredLaddr: Address | null = null,
): ProxyHeader {
  return { kind: 'header', byteLength, declaredRaddr, declaredLaddr };
}

/** Section 2.1: one line of at most 107 bytes, with its CRLF. */
function parseV1(bytes: Buffer): ProxyHeader {
  const start = bytes.subarray(0, v1BytesMax);
  const lineEnd = start.indexOf('\r\n');
  if (lineEnd === -1) {
    if (bytes.length >= v1BytesMax) return invalid(`no CRLF within ${v1BytesMax} bytes`);
    return { kind: 'need_more', isHeader: true };
  }
  const byteLength = lineEnd + 2;
  const line = start.toString('latin1', v1Signature.length, lineEnd);
  const [family, raddrIp = '', laddrIp = '', raddrPort = '', laddrPort = '', ...more] =
    line.split(' ');
  // Whatever follows it is to be ignored.
  if (family === 'UNKNOWN') return header(byteLength);
  if (family !== 'TCP4' && family !== 'TCP6') return invalid('neither TCP4, TCP6 nor UNKNOWN');
  if (more.length > 0) return invalid('more than two addresses and two ports');
  const isIp = family === 'TCP4' ? isIPv4 : isPlainIpv6;
  if (!isIp(raddrIp) || !isIp(laddrIp)) return invalid(`an address that is not of ${family}`);
  const raddr = v1Address(raddrIp, raddrPort);
  const laddr = v1Address(laddrIp, laddrPort);
  if (raddr === null || laddr === null) return invalid('a port that is not one');
  return header(byteLength, raddr, laddr);
}

function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** A port has no leading zeros. */
function v1Address(ip: string, text: string): Address | null {
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) return null;
  const port = Number(text);
  return port > 65_535 ? null : { ip: canonicalIp(ip), port };
}

/** Section 2.2: 16 bytes, the addresses, and type-length-values that mean nothing here. */
function parseV2(bytes: Buffer): ProxyHeader {
  const needMore = { kind: 'need_more', isHeader: true } as const;
  const [versionAndCommand, familyAndTransport] = bytes.subarray(v2Signature.length);
  if (versionAndCommand === undefined) return needMore;
  if (versionAndCommand >>> 4 !== 2) return invalid('a version that is not 2');
  const command = versionAndCommand & 0x0f;
  if (command > 1) return invalid('neither LOCAL nor PROXY');
  if (familyAndTransport === undefined) return needMore;
  const family = familyAndTransport >>> 4;
  const transport = familyAndTransport & 0x0f;
  const isLocal = command === 0;
  // LOCAL: the sender speaks for itself, and all that follows is discarded.
  if (!isLocal && (family > 3 || transport > 2)) return invalid('an unknown family or transport');
  if (bytes.length < v2FixedBytes) return needMore;
  const byteLength = v2FixedBytes + bytes.readUInt16BE(v2FixedBytes - 2);
  if (byteLength > headerBytesMax) return invalid(`longer than ${headerBytesMax} bytes`);
  if (bytes.length < byteLength) return needMore;
  if (isLocal || family === 0 || transport === 0) return header(byteLength);
  return parseV2Addresses(bytes.subarray(0, byteLength), family);
}

function parseV2Addresses(whole: Buffer, family: number): ProxyHeader {
  const kind = family === 1 ? 'inet' : family === 2 ? 'inet6' : 'unix';
  const tlvStart = v2FixedBytes + addressBytes[kind];
  if (whole.length < tlvStart) return invalid('too short for its addresses');
  const fault = tlvFault(whole, tlvStart);
  if (fault !== null) return invalid(fault);
  if (kind === 'unix') return header(whole.length);
  const ipBytes = kind === 'inet' ? 4 : 16;
  const ports = v2FixedBytes + 2 * ipBytes;
  const at = (index: 0 | 1): Address => {
    const start = v2FixedBytes + index * ipBytes;
    const ip = formatIp(whole.subarray(start, start + ipBytes));
    return { ip, port: whole.readUInt16BE(ports + 2 * index) };
  };
  return header(whole.length, at(0), at(1));
}

function formatIp(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    bytes.readUInt16BE(2 * index).toString(16),
  );
  return canonicalIp(groups.join(':'));
}

/** Section 2.2.3: a checksum that is there must be right. */
function tlvFault(whole: Buffer, start: number): string | null {
  let at = start;
  while (at < whole.length) {
    if (at + tlvHeadBytes > whole.length) return 'a TLV that is cut off';
    const type = whole[at];
    const valueAt = at + tlvHeadBytes;
    const length = whole.readUInt16BE(at + 1);
    at = valueAt + length;
    if (at > whole.length) return 'a TLV that is cut off';
    if (type !== tlvCrc32c) continue;
    if (length !== 4) return 'a CRC32c that is not of 4 bytes';
    const sum = crc32c(whole.subarray(0, valueAt), new Uint8Array(4), whole.subarray(at));
    if (sum !== whole.readUInt32BE(valueAt)) return 'a CRC32c that is wrong';
  }
  return null;
}
