/**
 * A UDP echo is a reflector: whoever forges a source makes it send to a stranger. These guards hold for all UDP
 * listeners of a worker, and keep what it sends to any source small, and every loop short.
 *
 * - What is kept is bounded: a source for each that has sessions or had some a moment ago; one table of loops.
 */
import { crc32 } from 'node:zlib';
import type { Address } from '../../core/address.ts';
import type { RefusalRule } from '../../core/event.ts';
import type { Clock } from '../../core/ports.ts';
import type { Micros } from '../../core/time.ts';
import type { WorkerSettings } from '../messages.ts';
import { TokenBucket } from '../token-bucket.ts';
import { HostAddresses, isCovered } from './host-addresses.ts';

/** Services that answer whatever reaches them, so that a forged source would have us talk to them for ever. */
const reflectingPorts = new Set([7, 13, 17, 19, 37, 53, 69, 123, 161, 1900, 5353, 11_211]);

export class UdpGuards {
  readonly host: HostAddresses;
  readonly ownListeners: OwnListeners;
  readonly sources: UdpSources;
  readonly loops: LoopBreaker;

  constructor(settings: WorkerSettings, clock: Clock) {
    this.host = new HostAddresses(clock);
    this.ownListeners = new OwnListeners(this.host);
    this.sources = new UdpSources(settings, clock);
    this.loops = new LoopBreaker(settings);
  }

  /** Why this source is never answered; null where it may be. */
  sourceRefusal(raddr: Address): RefusalRule | null {
    // Nobody can be answered at port 0 (RFC 768).
    if (raddr.port === 0 || reflectingPorts.has(raddr.port)) return 'udp_source_port';
    if (isGroup(raddr.ip) || this.host.isBroadcast(raddr.ip)) return 'udp_source_address';
    return this.ownListeners.has(raddr) ? 'udp_own_listener' : null;
  }
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
  /** What it may be answered, over all its sessions. */
  readonly bucket: TokenBucket;
  sessions: number;
}

/** The sources of a worker's sessions. One that has none any more is kept until its bucket is as new. */
export class UdpSources {
  readonly #settings: WorkerSettings;
  readonly #clock: Clock;
  readonly #byIp = new Map<string, UdpSource>();
  readonly #resting = new Set<UdpSource>();
  #sessions = 0;

  constructor(settings: WorkerSettings, clock: Clock) {
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
    const source = this.#byIp.get(ip) ?? { ip, bucket: this.#newBucket(), sessions: 0 };
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

  #newBucket(): TokenBucket {
    const { udpDatagramsPerSecondMax: perSecond, udpDatagramsBurstMax: burst } = this.#settings;
    return new TokenBucket({ perSecond, burst }, this.#clock.now());
  }

  #forgetRested(): void {
    const now = this.#clock.now();
    for (const source of this.#resting) {
      const isTooMany = this.#resting.size > this.#settings.udpSessionsMax;
      if (!isTooMany && !source.bucket.isFull(now)) return;
      this.#resting.delete(source);
      this.#byIp.delete(source.ip);
    }
  }
}

const slots = 65_536;

/**
 * Ends loops with another echo, whoever began them. In a loop the very payload that we sent comes back, soon, again
 * and again. So a payload that the same pair brings again within `udpLoopWindowMs` is a return; after
 * `udpLoopReturnsMax` returns in a row one is not answered, and a datagram in a loop that is not answered is gone for
 * good. A client that sends equal datagrams loses at most that one in a row, and none when it sends them slower than
 * the window; one that tells its datagrams apart loses none.
 *
 * One table of fixed size serves all sessions, and outlives them. A slot is its payload's until that stays away for
 * the window: of many payloads in one slot each is counted once those before it are gone, so none loops for ever.
 */
export class LoopBreaker {
  readonly #windowMicros: number;
  readonly #returnsMax: number;
  readonly #digests = new Uint32Array(slots);
  readonly #returns = new Uint32Array(slots);
  readonly #seenAt = new Float64Array(slots);
  #lastReturns = 0;

  constructor(settings: Pick<WorkerSettings, 'udpLoopWindowMs' | 'udpLoopReturnsMax'>) {
    this.#windowMicros = settings.udpLoopWindowMs * 1000;
    this.#returnsMax = settings.udpLoopReturnsMax;
  }

  /** Of the payload that was judged last: how often in a row it had come back. */
  get lastReturns(): number {
    return this.#lastReturns;
  }

  /**
   * Whether this one must not be answered. `pair` is a number, up to 2³², of the pair of addresses. One that is
   * answered more than once is ended only by silence: then none is answered until it stays away for the window.
   */
  breaks(pair: number, payload: Buffer, now: Micros, isMultiplied = false): boolean {
    const digest = crc32(payload, pair);
    const slot = digest % slots;
    this.#lastReturns = 0;
    if (this.#isFree(slot, now)) {
      this.#set(slot, digest, 0, now);
      return false;
    }
    if (this.#digests[slot] !== digest) return false;
    this.#lastReturns = (this.#returns[slot] ?? 0) + 1;
    const isLoop = this.#lastReturns >= this.#returnsMax;
    this.#set(slot, digest, this.#lastReturns, isLoop && !isMultiplied ? 0 : now);
    return isLoop;
  }

  /** A fault has changed or put off the answer: this is what will come back, and from now on. */
  answers(pair: number, payload: Buffer, returns: number, now: Micros): void {
    const digest = crc32(payload, pair);
    const slot = digest % slots;
    if (this.#isFree(slot, now)) this.#set(slot, digest, returns, now);
    else if (this.#digests[slot] === digest) this.#seenAt[slot] = now;
  }

  #isFree(slot: number, now: Micros): boolean {
    return Math.abs(now - (this.#seenAt[slot] ?? 0)) > this.#windowMicros;
  }

  #set(slot: number, digest: number, returns: number, seenAt: Micros): void {
    this.#digests[slot] = digest;
    this.#returns[slot] = returns;
    this.#seenAt[slot] = seenAt;
  }
}
