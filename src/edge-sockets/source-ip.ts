/**
 * Where a request comes from. Each proxy on its way has put the address that it saw behind those that were there, so the
 * addresses are true from the right, as far as they are those of proxies of ours; what stands left of the first other one
 * is whatever its sender wrote.
 */
import { isIP } from 'node:net';
import { canonicalIp, networkSet, plainIp } from '../core/address.ts';

export interface Forwarding {
  /** Networks, in CIDR notation. */
  readonly trustedProxies: readonly string[];
  /** At most so many proxies are believed. */
  readonly hopsMax: number;
}

/** Null where the system does not tell the peer any more. `forwardedFor` is asked for only where the peer is a proxy of ours: all of its lines, with commas between them. */
export type SourceIp = (
  peer: string | undefined,
  forwardedFor: () => string | undefined,
) => string | null;

export function sourceIpBy({ trustedProxies, hopsMax }: Forwarding): SourceIp {
  const isTrusted = networkSet(trustedProxies);
  return (peer, forwardedFor) => {
    if (peer === undefined || isIP(peer) === 0) return null;
    let source = plainIp(peer);
    if (!isTrusted(source)) return source;
    let left = forwardedFor() ?? '';
    // What is no address names nobody: the proxy that passed it on is then the last that is known.
    for (let hops = 0; hops < hopsMax && isTrusted(source); hops += 1) {
      const comma = left.lastIndexOf(',');
      const ip = addressOf(left.slice(comma + 1));
      if (ip === null) break;
      source = ip;
      left = left.slice(0, Math.max(comma, 0));
    }
    return source;
  };
}

/** Some proxies write the port behind the address, which then stands in brackets if it is IPv6 (RFC 7239, 6). */
function addressOf(text: string): string | null {
  const trimmed = text.trim();
  const [, bracketed, plain] = /^\[([^\]]*)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(trimmed) ?? [];
  const ip = bracketed ?? plain ?? trimmed;
  return isIP(ip) === 0 ? null : canonicalIp(ip);
}
