/**
 * Who may connect, by network: of all that match an address the longest decides, as in a routing table.
 *
 * Networks lie in one another or apart, so they cut the addresses into spans of one verdict each. An address is found
 * among them by halving: what a stranger costs does not grow with the networks.
 */
import { isIPv6 } from 'node:net';
import { ipNumber, parseCidr, plainIp } from './address.ts';

export type NetworkVerdict = 'allowed' | 'denied' | 'not_listed';

interface Network {
  readonly from: bigint;
  readonly to: bigint;
  readonly verdict: NetworkVerdict;
}

/** Up to where the next one begins. */
interface Span {
  readonly from: bigint;
  readonly verdict: NetworkVerdict;
}

/**
 * Answers for an address. A network in both lists is denied. What matches none is `not_listed` where networks are
 * allowed by name, else allowed.
 */
export function networkRules(
  allowCidrs: readonly string[],
  denyCidrs: readonly string[],
): (ip: string) => NetworkVerdict {
  if (allowCidrs.length + denyCidrs.length === 0) return () => 'allowed';
  const families = { ipv4: [] as Network[], ipv6: [] as Network[] };
  const add = (text: string, verdict: NetworkVerdict) => {
    const cidr = parseCidr(text);
    if (cidr === null) throw new TypeError(`not a network: ${text}`);
    const [family, bits] = isIPv6(cidr.ip) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
    const hostBits = BigInt(bits - cidr.prefixLength);
    const from = (ipNumber(cidr.ip) >> hostBits) << hostBits;
    families[family].push({ from, to: from + (1n << hostBits) - 1n, verdict });
  };
  for (const text of allowCidrs) add(text, 'allowed');
  for (const text of denyCidrs) add(text, 'denied');
  const otherwise = allowCidrs.length > 0 ? 'not_listed' : 'allowed';
  const spans = {
    ipv4: spansOf(families.ipv4, otherwise),
    ipv6: spansOf(families.ipv6, otherwise),
  };
  return (text) => {
    const ip = plainIp(text);
    return verdictIn(spans[isIPv6(ip) ? 'ipv6' : 'ipv4'], ipNumber(ip)) ?? otherwise;
  };
}

function spansOf(networks: readonly Network[], otherwise: NetworkVerdict): readonly Span[] {
  const spans: Span[] = [];
  /** Those that the sweep is in, the longest last. */
  const around: Network[] = [];
  const leaveBefore = (address: bigint | null) => {
    for (let last = around.at(-1); last !== undefined; last = around.at(-1)) {
      if (address !== null && last.to >= address) return;
      around.pop();
      spans.push({ from: last.to + 1n, verdict: around.at(-1)?.verdict ?? otherwise });
    }
  };
  // A stable sort: of a network in both lists the denied one comes last.
  for (const network of networks.toSorted((a, b) => order(a.from, b.from) || order(b.to, a.to))) {
    leaveBefore(network.from);
    spans.push(network);
    around.push(network);
  }
  leaveBefore(null);
  return spans;
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

/** Of the last span that begins at or before the address; where several begin, the last one holds. */
function verdictIn(spans: readonly Span[], address: bigint): NetworkVerdict | null {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.from ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  return spans[low - 1]?.verdict ?? null;
}
