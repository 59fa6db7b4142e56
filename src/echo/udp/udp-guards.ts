/**
 * A UDP echo is a reflector: whoever forges a source makes it send to a stranger. These guards hold for all UDP
 * listeners of a worker, and keep what it sends to any source small, and every loop short.
 *
 * - What is kept is bounded: a source for each that has sessions or had some a moment ago; one table of loops.
 */
import type { Address } from '../../core/address.ts';
import type { RefusalRule } from '../../core/event.ts';
import type { Micros } from '../../core/time.ts';
import { TokenBucket } from '../../core/token-bucket.ts';
import type { WorkerSettings } from '../messages.ts';
import type { MonotonicClock } from '../worker-clock.ts';
import { HeldBytes } from './held-bytes.ts';
import { HostAddresses, isCovered } from './host-addresses.ts';
import { LoopBreaker } from './loop-breaker.ts';

/** Services that answer whatever reaches them, so that a forged source would have us talk to them for ever. */
const reflectingPorts = new Set([7, 13, 17, 19, 37, 53, 69, 123, 161, 1900, 5353, 11_211]);

export class UdpGuards {
  readonly host: HostAddresses;
  readonly ownListeners: OwnListeners;
  readonly sources: UdpSources;
  readonly loops: LoopBreaker;
  /** Datagrams that wait, and answers that the kernel has not taken, of all listeners. */
  readonly held: HeldBytes;
  readonly sending: HeldBytes;

  constructor(settings: WorkerSettings, clock: MonotonicClock) {
    this.host = new HostAddresses(clock);
    this.ownListeners = new OwnListeners(this.host);
    this.sources = new UdpSources(settings, clock);
    this.loops = new LoopBreaker(settings);
    this.held = new HeldBytes(settings.udpHeldBytesTotalMax);
    this.sending = new HeldBytes(settings.udpSendQueueBytesTotalMax);
  }

  /**
   * One datagram to all hosts of a network must not make each of them answer. Beside what the kernel told of it: a
   * datagram may have come before it was asked to tell.
   */
  destinationRefusal({ laddr, isGroup: isTold }: DatagramDestination): RefusalRule | null {
    return isTold || this.host.isBroadcast(laddr.ip) ? 'udp_destination_address' : null;
  }

  /** Why this source is never answered; null where it may be. */
  sourceRefusal(raddr: Address): RefusalRule | null {
    // Nobody can be answered at port 0 (RFC 768).
    if (raddr.port === 0 || reflectingPorts.has(raddr.port)) return 'udp_source_port';
    if (isGroup(raddr.ip) || this.host.isBroadcast(raddr.ip)) return 'udp_source_address';
    return this.ownListeners.has(raddr) ? 'udp_own_listener' : null;
  }
}

export interface DatagramDestination {
  readonly laddr: Address;
  readonly isGroup: boolean;
}

/** An address that stands for no host or for many (RFC 1122, 3.2.1.3; RFC 4291, 2.7): never a source. */
function isGroup(ip: string): boolean {
  if (ip.includes(':')) return ip === '::' || /^ff[0-9a-f]{2}:/.test(ip);
  const firstOctet = Number.parseInt(ip, 10);
  return firstOctet === 0 || (firstOctet >= 224 && firstOctet < 240);
}

/** Where this node's UDP listeners are bound: two of them must not echo to each other. */
export class OwnListeners {
  readonly #host: HostAddresses;
  readonly #byPort = new Map<number, readonly string[]>();

  constructor(host: HostAddresses) {
    this.#host = host;
  }

  add({ ip, port }: Address): void {
    this.#byPort.set(port, [...(this.#byPort.get(port) ?? []), ip]);
  }

  delete({ ip, port }: Address): void {
    const left = (this.#byPort.get(port) ?? []).filter((bound) => bound !== ip);
    if (left.length === 0) this.#byPort.delete(port);
    else this.#byPort.set(port, left);
  }

  has({ ip, port }: Address): boolean {
    const bound = this.#byPort.get(port);
    if (bound === undefined) return false;
    return bound.some((host) => host === ip || (isCovered(host, ip) && this.#host.has(ip)));
  }
}

export interface UdpSource {
  readonly ip: string;
  readonly rate: SourceRate;
  sessions: number;
}

/** What a source may be answered, over all its sessions: datagrams and bytes. */
export class SourceRate {
  readonly #datagrams: TokenBucket;
  readonly #bytes: TokenBucket;

  constructor(settings: UdpRates, now: Micros) {
    const { udpDatagramsPerSecondMax, udpDatagramsBurstMax } = settings;
    const { udpBytesPerSecondMax, udpBytesBurstMax } = settings;
    const datagrams = { perSecond: udpDatagramsPerSecondMax, burst: udpDatagramsBurstMax };
    this.#datagrams = new TokenBucket(datagrams, now);
    this.#bytes = new TokenBucket(
      { perSecond: udpBytesPerSecondMax, burst: udpBytesBurstMax },
      now,
    );
  }

  /** Takes what so many answers of so many bytes cost; false where they are too much. */
  take(now: Micros, answers: number, bytes: number): boolean {
    return this.#datagrams.take(now, answers) && this.#bytes.take(now, answers * bytes);
  }

  /** Nothing was answered for so long that it is as new. */
  isFull(now: Micros): boolean {
    return this.#datagrams.isFull(now) && this.#bytes.isFull(now);
  }
}

export type UdpRates = Pick<
  WorkerSettings,
  'udpDatagramsPerSecondMax' | 'udpDatagramsBurstMax' | 'udpBytesPerSecondMax' | 'udpBytesBurstMax'
>;

/** The sources of a worker's sessions. A source without sessions is kept until its rate is as new. */
export class UdpSources {
  readonly #settings: WorkerSettings;
  readonly #clock: MonotonicClock;
  readonly #byIp = new Map<string, UdpSource>();
  readonly #resting = new Set<UdpSource>();
  #sessions = 0;

  constructor(settings: WorkerSettings, clock: MonotonicClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get size(): number {
    return this.#byIp.size;
  }

  get hasRoom(): boolean {
    return this.#sessions < this.#settings.udpSessionsMax;
  }

  opened(ip: string): UdpSource {
    this.#forgetRested();
    const source = this.#byIp.get(ip) ?? { ip, rate: this.#newRate(), sessions: 0 };
    this.#byIp.set(ip, source);
    this.#resting.delete(source);
    source.sessions += 1;
    this.#sessions += 1;
    return source;
  }

  closed(source: UdpSource): void {
    source.sessions -= 1;
    this.#sessions -= 1;
    if (source.sessions === 0) this.#resting.add(source);
    this.#forgetRested();
  }

  #newRate(): SourceRate {
    return new SourceRate(this.#settings, this.#clock.monotonic());
  }

  #forgetRested(): void {
    const now = this.#clock.monotonic();
    for (const source of this.#resting) {
      const isTooMany = this.#resting.size > this.#settings.udpSessionsMax;
      if (!isTooMany && !source.rate.isFull(now)) return;
      this.#resting.delete(source);
      this.#byIp.delete(source.ip);
    }
  }
}
