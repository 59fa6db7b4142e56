/** Which ports a listener may have, and which listeners stand in each other's way. */
import { isIPv6 } from 'node:net';
import { AppError } from './errors.ts';
import type { Listener, NewListener } from './listener.ts';

export interface PortRules {
  /** Ports of our own edges. */
  reservedPorts: readonly number[];
  readonly isPrivilegedAllowed: boolean;
}

const firstUnprivilegedPort = 1024;

/** @throws port_reserved, port_privileged */
export function assertPortAllowed({ port, protocol }: NewListener, rules: PortRules): void {
  if (port === 0) return;
  if (protocol !== 'udp' && rules.reservedPorts.includes(port)) {
    throw new AppError('port_reserved', `port ${port} serves kodama's own API`);
  }
  if (port < firstUnprivilegedPort && !rules.isPrivilegedAllowed) {
    const message = `port ${port} is privileged; KODAMA_ALLOW_PRIVILEGED_PORTS=true allows it`;
    throw new AppError('port_privileged', message);
  }
}

/** The other listener that has this one's port, or is about to: null where none is. */
export function findConflict(
  wanted: Pick<Listener, 'id' | 'host' | 'port' | 'protocol'>,
  others: readonly Listener[],
): Listener | null {
  if (wanted.port === 0) return null;
  const isUdp = wanted.protocol === 'udp';
  const conflict = others.find(
    (other) =>
      other.id !== wanted.id &&
      (other.protocol === 'udp') === isUdp &&
      (other.laddr?.port ?? other.port) === wanted.port &&
      hostsOverlap(other.host, wanted.host),
  );
  return conflict ?? null;
}

/** A wildcard covers its family, and `::` covers IPv4 too since it is dual stack (RFC 3493, 3.7). */
function hostsOverlap(a: string, b: string): boolean {
  if (a === b || a === '::' || b === '::') return true;
  if (a === '0.0.0.0') return !isIPv6(b);
  return b === '0.0.0.0' && !isIPv6(a);
}

export function portInUse(
  { host, port }: Pick<Listener, 'host' | 'port'>,
  owner: string,
  cause?: unknown,
): AppError {
  const by = owner === 'foreign' ? 'another process' : `listener ${owner}`;
  return new AppError('port_in_use', `${host} port ${port} is in use by ${by}`, { owner, cause });
}
