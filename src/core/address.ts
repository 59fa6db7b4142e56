/** IP addresses and networks as the sockets API has them (ip(7), ipv6(7)). */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** A network in CIDR notation (RFC 4632, RFC 4291); a bare address is the network of itself. */
export interface Cidr {
  readonly ip: string;
  readonly prefixLength: number;
}

const mappedPrefix = '::ffff:';
const mappedBits = 96;

/**
 * The address as we record it: an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) reads as IPv4, and a zone (RFC 4007, 11),
 * which has no meaning outside this host, is left out.
 */
export function plainIp(text: string): string {
  if (!text.includes(':')) return text;
  const [ip = text] = text.split('%', 1);
  if (!ip.toLowerCase().startsWith(mappedPrefix)) return ip;
  const tail = ip.slice(mappedPrefix.length);
  return isIPv4(tail) ? tail : ip;
}

/** In the one way in which an address is written (RFC 5952), whichever it came in. */
export function canonicalIp(ip: string): string {
  const plain = plainIp(ip);
  if (!isIPv6(plain)) return plain;
  return plainIp(new SocketAddress({ address: plain, family: 'ipv6' }).address);
}

/** Parses an address or CIDR, a mapped one as the IPv4 network that it maps; null where it is neither. */
export function parseCidr(text: string): Cidr | null {
  const [ip = '', length, ...rest] = text.split('/');
  if (rest.length > 0 || isIP(ip) === 0 || ip.includes('%')) return null;
  const max = isIPv6(ip) ? 128 : 32;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const prefixLength = length === undefined ? max : Number(length);
  if (prefixLength > max) return null;
  const plain = prefixLength < mappedBits ? ip : canonicalIp(ip);
  if (plain === ip || isIPv6(plain)) return { ip, prefixLength };
  return { ip: plain, prefixLength: prefixLength - mappedBits };
}

/** The bits of an address as one number: 32 of them, or 128 (RFC 4291, 2.2). */
export function ipNumber(ip: string): bigint {
  if (!ip.includes(':')) return BigInt(ipv4Number(ip));
  const [head = '', tail] = ip.split('::');
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...new Array<number>(zeros).fill(0), ...last];
  let number = 0n;
  // Two at a time: numbers are faster than bigints, and hold 32 bits.
  for (let at = 0; at < 8; at += 2) {
    const pair = (groups[at] ?? 0) * 0x1_0000 + (groups[at + 1] ?? 0);
    number = (number << 32n) | BigInt(pair);
  }
  return number;
}

function ipv4Number(ip: string): number {
  return ip.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
}

/** Of 16 bits each; the last two may be written as an IPv4 address. */
function groupsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return Number.parseInt(group, 16);
    const number = ipv4Number(group);
    return [Math.floor(number / 0x1_0000), number % 0x1_0000];
  });
}

export function formatCidr({ ip, prefixLength }: Cidr): string {
  return `${ip}/${prefixLength}`;
}

export function formatAddress(address: Address): string {
  return isIPv6(address.ip) ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

/** A set of networks that answers whether an address lies in any of them. */
export function networkSet(cidrs: readonly string[]): (ip: string) => boolean {
  if (cidrs.length === 0) return () => false;
  // Apart, since one list would find every IPv4 address, mapped, in ::/0.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of cidrs) {
    const cidr = parseCidr(text);
    if (cidr === null) throw new TypeError(`not a network: ${text}`);
    const family = familyOf(cidr.ip);
    lists[family].addSubnet(cidr.ip, cidr.prefixLength, family);
  }
  return (text) => {
    const ip = plainIp(text);
    const family = familyOf(ip);
    return lists[family].check(ip, family);
  };
}

function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return isIPv6(ip) ? 'ipv6' : 'ipv4';
}

export function isLoopback(host: string): boolean {
  return usualLoopback.has(host) || loopback(canonicalIp(host));
}

/** Asked for with nearly every request, and told at once. */
const usualLoopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

const loopback = networkSet(['127.0.0.0/8', '::1']);
