/** Which ports a listener may have, and which listeners stand in each other's way. */
import { isIPv6 } from 'node:net';
import { AppError } from './errors.ts';
import type { Listener, NewListener } from './listener.ts';

export interface PortRules {
  /** Ports of our own edges. */
  reservedPorts: readonly number[];
  readonly isPrivilegedAllowed: boolean;
  /** What port 0 is drawn from; null: the kernel chooses. */
  readonly drawnFrom: PortRange | null;
}

/** Both ends are in it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
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
  const conflict = others.find(
    (other) =>
      other.id !== wanted.id &&
      isUdp(other) === isUdp(wanted) &&
      (other.laddr?.port ?? other.port) === wanted.port &&
      hostsOverlap(other.host, wanted.host),
  );
  return conflict ?? null;
}

/**
 * The ports to try for one that asked for any: those of the range that nothing here stands in the way of, each once, from
 * `start` on and around. The rest of the world is only known by binding.
 */
export function* portsToDraw(
  wanted: Pick<Listener, 'id' | 'host' | 'protocol'>,
  others: readonly Listener[],
  rules: PortRules & { readonly drawnFrom: PortRange },
  start: number,
): Generator<number, void, void> {
  const { from, to } = rules.drawnFrom;
  const inTheWay = others.filter(
    (other) =>
      other.id !== wanted.id &&
      isUdp(other) === isUdp(wanted) &&
      hostsOverlap(other.host, wanted.host),
  );
  const taken = new Set(inTheWay.map((other) => other.laddr?.port ?? other.port));
  if (!isUdp(wanted)) for (const port of rules.reservedPorts) taken.add(port);
  const size = to - from + 1;
  for (let step = 0; step < size; step += 1) {
    const port = from + ((start + step) % size);
    if (!taken.has(port)) yield port;
  }
}

function isUdp({ protocol }: Pick<Listener, 'protocol'>): boolean {
  return protocol === 'udp';
}

/** A wildcard covers its family, and `::` covers IPv4 too since it is dual stack (RFC 3493, 3.7). */
function hostsOverlap(a: string, b: string): boolean {
  if (a === b || a === '::' || b === '::') return true;
  if (a === '0.0.0.0') return !isIPv6(b);
  return b === '0.0.0.0' && !isIPv6(a);
}

/** By a listener of ours, or else by another process. What another project has is foreign too. */
export function portInUse(
  { host, port, project }: Pick<Listener, 'host' | 'port' | 'project'>,
  other: Listener | null,
  cause?: unknown,
): AppError {
  const own = other?.project === project ? other : null;
  const by = own === null ? 'another process' : `listener ${own.id}`;
  const owner = own?.id ?? 'foreign';
  return new AppError('port_in_use', `${host} port ${port} is in use by ${by}`, { owner, cause });
}
