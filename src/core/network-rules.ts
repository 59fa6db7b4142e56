/** Who may connect, by network: of all that match an address the longest decides, as in a routing table. */
import { BlockList, isIPv6 } from 'node:net';
import { parseCidr, plainIp } from './address.ts';

export type NetworkVerdict = 'allowed' | 'denied' | 'not_listed';

interface Level {
  readonly allow: BlockList;
  readonly deny: BlockList;
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
  const levels = { ipv4: new Map<number, Level>(), ipv6: new Map<number, Level>() };
  const add = (text: string, list: keyof Level) => {
    const cidr = parseCidr(text);
    if (cidr === null) throw new TypeError(`not a network: ${text}`);
    const family = isIPv6(cidr.ip) ? 'ipv6' : 'ipv4';
    const level = levels[family].get(cidr.prefixLength) ?? {
      allow: new BlockList(),
      deny: new BlockList(),
    };
    levels[family].set(cidr.prefixLength, level);
    level[list].addSubnet(cidr.ip, cidr.prefixLength, family);
  };
  for (const text of allowCidrs) add(text, 'allow');
  for (const text of denyCidrs) add(text, 'deny');
  const longestFirst = (family: Map<number, Level>) =>
    [...family].sort(([a], [b]) => b - a).map(([, level]) => level);
  const sorted = { ipv4: longestFirst(levels.ipv4), ipv6: longestFirst(levels.ipv6) };
  const otherwise = allowCidrs.length > 0 ? 'not_listed' : 'allowed';
  return (text) => {
    const ip = plainIp(text);
    const family = isIPv6(ip) ? 'ipv6' : 'ipv4';
    for (const { allow, deny } of sorted[family]) {
      if (deny.check(ip, family)) return 'denied';
      if (allow.check(ip, family)) return 'allowed';
    }
    return otherwise;
  };
}
