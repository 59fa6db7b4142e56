/** Which ports a listener may have, and which listeners stand in each other's way. */
import { isIPv6 } from 'node:net';
import { isLoopback, networkSet } from './address.ts';
import { AppError, type ErrorDetails } from './errors.ts';
import type { Listener, NewListener } from './listener.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { ProjectTerms } from './quotas.ts';

export interface PortRules {
  /** Ports of our own edges. */
  readonly reservedPorts: readonly number[];
  readonly isPrivilegedAllowed: boolean;
  /** What port 0 is drawn from, and where projects other than the default one listen; null: the kernel chooses. */
  readonly drawnFrom: PortRange | null;
  /** Where a listener is bound that names no host. */
  readonly listenHost: string;
}

/** Both ends are in it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

const firstUnprivilegedPort = 1024;

export type HostedListener = NewListener & Pick<Listener, 'host'>;

/** With the host of its node where it names none. */
export function hosted(input: NewListener, { listenHost }: PortRules): HostedListener {
  return { ...input, host: input.host ?? listenHost };
}

/** @throws port_reserved, port_privileged */
export function assertPortAllowed({ port, protocol }: NewListener, rules: PortRules): void {
  if (port === 0) return;
  if (protocol !== 'udp' && rules.reservedPorts.includes(port)) {
    throw portRefused('port_reserved', `port ${port} is one of kodama's own`);
  }
  if (port < firstUnprivilegedPort && !rules.isPrivilegedAllowed) {
    const message = `port ${port} is privileged; KODAMA_ALLOW_PRIVILEGED_PORTS=true allows it`;
    throw portRefused('port_privileged', message);
  }
}

/**
 * Where a project may listen on a node that all share: its operators say at which hosts. The default project is whoever
 * runs the node: the ports beyond those for all are its own, and so is loopback where others have an address.
 * @throws port_reserved, permission_denied
 */
export function assertPlaceAllowed(
  { host, port }: HostedListener,
  { drawnFrom, listenHost }: PortRules,
  project: ProjectRef,
  { bindHosts }: ProjectTerms,
): void {
  const isOfHosts = bindHosts === null ? () => true : networkSet(bindHosts);
  // The IPv6 wildcard is that of IPv4 too.
  const hosts = host === '::' ? [host, '0.0.0.0'] : [host];
  if (!hosts.every(isOfHosts)) throw hostDenied(host, "it is none of the project's bindHosts");
  if (project === defaultProject) return;
  if (isLoopback(host) && !isLoopback(listenHost)) {
    throw hostDenied(host, 'loopback is for the project default');
  }
  if (port === 0 || drawnFrom === null) return;
  const { from, to } = drawnFrom;
  if (port >= from && port <= to) return;
  throw portRefused('port_reserved', `port ${port} is not from ${from} to ${to}`);
}

/** Told as what the field `port` names. */
export function portRefused(
  code: 'port_reserved' | 'port_privileged' | 'port_in_use',
  message: string,
  details: ErrorDetails & { readonly cause?: unknown } = {},
): AppError {
  return new AppError(code, message, { ...details, errors: [{ path: 'port', message }] });
}

function hostDenied(host: string, why: string): AppError {
  const message = `may not be ${host}: ${why}`;
  const errors = [{ path: 'host', message }];
  return new AppError('permission_denied', `host: ${message}`, { errors });
}

/** The other listener that has this one's port, or is about to: null where none is. */
export function findConflict(
  wanted: Pick<Listener, 'id' | 'host' | 'port' | 'protocol'>,
  others: Iterable<Listener>,
): Listener | null {
  if (wanted.port === 0) return null;
  for (const other of others) {
    if ((other.laddr?.port ?? other.port) !== wanted.port) continue;
    const isInTheWay =
      other.id !== wanted.id &&
      isUdp(other) === isUdp(wanted) &&
      hostsOverlap(other.host, wanted.host);
    if (isInTheWay) return other;
  }
  return null;
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
  const pending = own?.state === 'pending' ? ', which is being made' : '';
  const by = own === null ? 'another process or project' : `listener ${knownAs(own)}${pending}`;
  const owner = own?.id ?? 'foreign';
  return portRefused('port_in_use', `${host} port ${port} is in use by ${by}`, { owner, cause });
}

function knownAs({ name, id }: Listener): string {
  return name === null ? id : `${name} (${id})`;
}

/** What else there is to say of where an edge could not listen: which of our own listeners does, if one does. */
export function holderWords(
  { host, port }: { readonly host: string; readonly port: number },
  listeners: readonly Listener[],
): string {
  const listening = listeners.filter(({ state }) => state === 'listening');
  const places = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  const holder = places
    .map((one) => findConflict({ id: '', host: one, port, protocol: 'tcp' }, listening))
    .find((one) => one !== null);
  if (holder == null) return '';
  return `: listener ${knownAs(holder)} has it, and can be deleted once this port is another`;
}
