/** The addresses of this host, read anew when they are asked for and old. */
import { isIPv4, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isLoopback } from '../../core/address.ts';
import type { Micros } from '../../core/time.ts';
import type { MonotonicClock } from '../worker-clock.ts';

const keptForMs = 5000;

export class HostAddresses {
  readonly #clock: MonotonicClock;
  #readAt: Micros = Number.NEGATIVE_INFINITY;
  #unicast: ReadonlySet<string> = new Set();
  #broadcast: ReadonlySet<string> = new Set();
  /** Those of sessions, with how many they have. */
  readonly #asked = new Map<string, number>();

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  /** Without those of one link only, whose zone would be needed to bind them. */
  get unicast(): readonly string[] {
    this.#refresh();
    return [...this.#unicast].filter((ip) => !/^fe[89ab]/.test(ip));
  }

  has(ip: string): boolean {
    this.#refresh();
    return this.#unicast.has(ip) || isLoopback(ip) || this.#asked.has(ip);
  }

  /** A session is at this address, so it is one of this host, whether or not an interface has it. */
  asked(ip: string): void {
    this.#asked.set(ip, (this.#asked.get(ip) ?? 0) + 1);
  }

  /** The session has ended. */
  left(ip: string): void {
    const sessions = (this.#asked.get(ip) ?? 0) - 1;
    if (sessions > 0) this.#asked.set(ip, sessions);
    else this.#asked.delete(ip);
  }

  /** Whether all hosts of a network that this one is in answer to it (RFC 919). */
  isBroadcast(ip: string): boolean {
    this.#refresh();
    return ip === '255.255.255.255' || this.#broadcast.has(ip);
  }

  #refresh(): void {
    const now = this.#clock.monotonic();
    if (now - this.#readAt < keptForMs * 1000) return;
    this.#readAt = now;
    const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
    this.#unicast = new Set(all.map(({ address }) => address));
    this.#broadcast = new Set(all.flatMap((one) => broadcastOf(one) ?? []));
  }
}

/** The last address of an IPv4 network; null where there is none (RFC 3021). */
export function broadcastOf({
  address,
  netmask,
}: Pick<NetworkInterfaceInfo, 'address' | 'netmask'>): string | null {
  if (!isIPv4(address) || /\.25[45]$/.test(netmask)) return null;
  const mask = netmask.split('.').map(Number);
  const octets = address
    .split('.')
    .map((octet, index) => Number(octet) | (~(mask[index] ?? 0) & 255));
  return octets.join('.');
}

/** Whether a socket that is bound to `host` receives for the address. `::` is dual stack. */
export function isCovered(host: string, ip: string): boolean {
  return host === ip || host === '::' || (host === '0.0.0.0' && !isIPv6(ip));
}
