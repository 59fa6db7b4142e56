/** Where a listener is reached. */
import { isIPv6 } from 'node:net';
import { isLoopback } from '../core/address.ts';
import { Refused } from './failure.ts';
import type { Listener, Node, OwnProject, RestClient } from './rest-client.ts';

interface Asked {
  readonly client: RestClient;
  /** The node of the kodama that answers: its host is that of the URL. */
  readonly nodeId: string | null;
  readonly say: (text: string) => void;
}

/** Undefined where that is not known, which is said, as is an address that its node has told. */
export async function hostOf(
  { laddr, ...listener }: Listener,
  { client, nodeId, say }: Asked,
): Promise<string | undefined> {
  if (laddr === null) return undefined;
  const isHere = !isWildcard(laddr.ip) || listener.nodeId === nodeId;
  const here = isHere ? hostHere(laddr.ip, client.url) : undefined;
  if (here !== undefined) return here;
  const addresses = await addressesOf(client, listener.nodeId);
  const host = addressFor(laddr.ip, addresses);
  say(
    host === undefined
      ? `KODAMA_HOST is not set: no address of the node ${listener.nodeName} is known here`
      : `KODAMA_HOST is ${host}, the first address that fits of the node ${listener.nodeName}`,
  );
  return host;
}

function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** By whoever reaches the kodama that has it at this URL. Undefined where it does not hear at an address of that family. */
export function hostHere(ip: string, url: string): string | undefined {
  if (!isWildcard(ip)) return ip;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  // Nobody who listens on 0.0.0.0 hears at ::1, and a system may keep the families of :: apart (ipv6(7)).
  if (isLoopback(host)) return ip === '::' ? '::1' : '127.0.0.1';
  return ip === '0.0.0.0' && isIPv6(host) ? undefined : host;
}

/** On `::` both families are heard; link-local addresses (RFC 4291, 2.5.6) mean nothing on another host. */
export function addressFor(wildcard: string, addresses: readonly string[]): string | undefined {
  const v4 = addresses.find((ip) => !isIPv6(ip));
  if (wildcard === '0.0.0.0') return v4;
  const v6 = addresses.find((ip) => isIPv6(ip) && !/^fe[89ab]/i.test(ip));
  return v6 ?? v4;
}

/** None of a node that the caller may not read: who may read none is not refused it, which would be in the audit. */
async function addressesOf(client: RestClient, nodeId: string): Promise<readonly string[]> {
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (!scopes.includes('nodes:read')) return [];
  try {
    return (await client.get<Node>(`/v1/nodes/${encodeURIComponent(nodeId)}`)).addresses;
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
