/** Where a listener is reached. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Rest } from './rest.ts';
import type { Listener, Node, OwnProject, Status } from './types.ts';

/** Null where that is not known: whatever the look-up meets, its listener is there. */
export async function hostOf(rest: Rest, listener: Listener): Promise<string | null> {
  const { laddr } = listener;
  if (laddr === null || !isWildcard(laddr.ip)) return laddr?.ip ?? null;
  return await wildcardHost(rest, laddr.ip, listener.nodeId).catch(() => null);
}

async function wildcardHost(rest: Rest, ip: string, nodeId: string): Promise<string | null> {
  const status = await rest.json<Status>('GET', '/v1/status');
  const here = status.nodeId === nodeId ? hostHere(ip, rest.url) : null;
  if (here !== null) return here;
  // Who may read no nodes is not refused it, which would be in the audit.
  const { scopes } = await rest.json<OwnProject>('GET', '/v1/projects/self');
  if (!scopes.includes('nodes:read')) return null;
  const { addresses } = await rest.json<Node>('GET', `/v1/nodes/${encodeURIComponent(nodeId)}`);
  const v4 = addresses.find((each) => !isIPv6(each));
  // Link-local ones (RFC 4291, 2.5.6) mean nothing on another host.
  const v6 = addresses.find((each) => isIPv6(each) && !/^fe[89ab]/i.test(each));
  return (ip === '0.0.0.0' ? v4 : (v6 ?? v4)) ?? null;
}

function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** By whoever reaches the kodama that has it at this URL. Null where it does not hear at an address of that family. */
export function hostHere(ip: string, url: string): string | null {
  if (!isWildcard(ip)) return ip;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const isLoopback =
    host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  // Nobody who listens on 0.0.0.0 hears at ::1, and a system may keep the families of :: apart (ipv6(7)).
  if (isLoopback) return ip === '::' ? '::1' : '127.0.0.1';
  return ip === '0.0.0.0' && isIPv6(host) ? null : host;
}
