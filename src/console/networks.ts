/** IP networks in a browser, which has no `node:net`: read as the API reads those of its filters. */

export interface Network {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

interface Ip {
  readonly bits: Network['bits'];
  readonly number: bigint;
}

const mappedBits = 96;

/** An address or CIDR (RFC 4632, RFC 4291), a mapped one as the IPv4 network that it maps; null where it is neither. */
export function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/');
  const ip = parseIp(address);
  if (ip === null || rest.length > 0) return null;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const prefix = length === undefined ? ip.bits : Number(length);
  if (prefix > ip.bits) return null;
  const isMapped = prefix >= mappedBits && ip.number >> 32n === 0xffffn;
  return isMapped
    ? networkOf({ bits: 32, number: ip.number & 0xffff_ffffn }, prefix - mappedBits)
    : networkOf(ip, prefix);
}

export function isIn(network: Network, text: string): boolean {
  const ip = parseIp(text);
  if (ip === null || ip.bits !== network.bits) return false;
  return ip.number >= network.first && ip.number <= network.last;
}

function networkOf({ bits, number }: Ip, prefix: number): Network {
  const hostBits = BigInt(bits - prefix);
  const first = (number >> hostBits) << hostBits;
  return { bits, first, last: first + (1n << hostBits) - 1n };
}

function parseIp(text: string): Ip | null {
  if (!text.includes(':')) return ipv4(text);
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return null;
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')];
  if (first === null || last === null) return null;
  // Only the end may be written as an IPv4 address.
  if (tail !== undefined && head.includes('.')) return null;
  const left = 8 - first.length - last.length;
  if (tail === undefined ? left !== 0 : left < 1) return null;
  const groups = [...first, ...new Array<number>(left).fill(0), ...last];
  return { bits: 128, number: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

function ipv4(text: string): Ip | null {
  const parts = text.split('.');
  const isRight = parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  if (parts.length !== 4 || !isRight) return null;
  const number = parts.reduce((sum, part) => sum * 256 + Number(part), 0);
  return { bits: 32, number: BigInt(number) };
}

/** Of 16 bits each. */
function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const found: number[] = [];
  for (const [at, part] of parts.entries()) {
    const ip = at === parts.length - 1 && part.includes('.') ? ipv4(part) : null;
    if (ip !== null) found.push(Number(ip.number >> 16n), Number(ip.number & 0xffffn));
    else if (/^[\da-f]{1,4}$/i.test(part)) found.push(Number.parseInt(part, 16));
    else return null;
  }
  return found;
}
