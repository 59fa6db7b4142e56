/**
 * One UDP session: a pair of addresses, from its first datagram until it falls idle or is closed. Each datagram goes
 * back as it came (RFC 862), unless it must not be answered.
 *
 * - Under durable recording nothing is answered before the opening is committed: what comes is held, within a bound.
 * - bytesIn is what came, bytesOut what the kernel took: where they differ, datagrams were not answered.
 */

import { crc32 } from 'node:zlib';
import { type Address, formatAddress } from '../../core/address.ts';
import type { AcceptedConnection, CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { CountersRecord, StepRecord } from '../../core/record.ts';
import type { Micros } from '../../core/time.ts';
import type { CloseMode } from '../../faults/held-items.ts';
import type { ActiveFault } from '../../faults/stage.ts';
import {
  acceptedConnection,
  ConnectionProgress,
  type End,
  type ProgressObserver,
} from '../connection-progress.ts';
import type { OpenConnection } from '../echo-listener.ts';
import type { FaultResources } from '../faults/fault-pipeline.ts';
import { FaultPipeline } from '../faults/fault-pipeline.ts';
import type { ConnectionFaults } from '../faults/listener-faults.ts';
import { greetingOf } from '../greeting.ts';
import type { WorkerClock } from '../worker-clock.ts';
import type { HeldBytes } from './held-bytes.ts';
import { type LoopSide, type LoopTraits, loopTraitsOf } from './loop-breaker.ts';
import type { UdpSource } from './udp-guards.ts';
import type { UdpEndpoint, UdpRemote } from './udp-sockets.ts';

/** What all sessions of a listener share. */
export interface UdpSessionHost extends ProgressObserver {
  readonly listenerId: string;
  readonly clock: WorkerClock;
  readonly held: HeldBytes;
  /** Answers of all sessions of the worker that the kernel has not taken. */
  readonly sending: HeldBytes;
  readonly sendQueueBytesMax: number;
  readonly faultHeldBytesMax: number;
  readonly faultResources: FaultResources;
  mayAnswer(session: UdpSession, bytes: Buffer, now: Micros): boolean;
  /** Its faults have let this through, as it is and at this time. */
  onAnswer(session: UdpSession, bytes: Buffer, now: Micros): void;
  record(record: StepRecord): void;
  /** The session takes no more datagrams: the next one from there opens another. */
  onClosing(session: UdpSession): void;
  /** Its closed record is written. */
  onClosed(session: UdpSession): void;
}

export interface UdpSessionOptions {
  readonly id: string;
  readonly host: UdpSessionHost;
  readonly endpoint: UdpEndpoint;
  /** As the socket names it: where answers go. */
  readonly remote: UdpRemote;
  /** As it is recorded. */
  readonly raddr: Address;
  readonly source: UdpSource;
  readonly openedAt: Micros;
  /** The same on the monotonic clock. */
  readonly since: Micros;
  readonly faults: ConnectionFaults;
  /** Datagrams wait until `release`. */
  readonly isHeld: boolean;
  /** Its first datagram is answered with the greeting, faults aside, where that is no longer. */
  readonly isGreeted: boolean;
}

export class UdpSession implements OpenConnection, LoopSide {
  readonly id: string;
  readonly endpoint: UdpEndpoint;
  readonly remote: UdpRemote;
  readonly raddr: Address;
  readonly source: UdpSource;
  readonly openedAt: Micros;
  readonly since: Micros;
  /** Stands for its pair of addresses; another session of that pair has the same. */
  readonly pair: number;
  /** What was decided for it. */
  faults: ConnectionFaults;
  /** How often in a row its last datagram had come back. */
  returns = 0;
  traits: LoopTraits;
  readonly #host: UdpSessionHost;
  #waiting: Buffer[] | null;
  #isGreeted: boolean;
  #lastAt: Micros;
  readonly #progress: ConnectionProgress;
  #sentBytes = 0;
  /** Answers that the kernel has not taken yet. */
  #sending = 0;
  #pipeline: FaultPipeline | null = null;
  #haveFaultsBegun = false;
  #end: End | null = null;
  #isClosed = false;
  #error: string | null = null;

  constructor(options: UdpSessionOptions) {
    const { id, host, endpoint, remote, raddr, source, openedAt, since } = options;
    this.id = id;
    this.endpoint = endpoint;
    this.remote = remote;
    this.raddr = raddr;
    this.source = source;
    this.openedAt = openedAt;
    this.since = since;
    this.pair = crc32(`${formatAddress(endpoint.laddr)} ${formatAddress(raddr)}`);
    this.faults = options.faults;
    this.#host = host;
    this.#progress = new ConnectionProgress(id, host);
    this.traits = this.#traitsOf(this.faults.active);
    this.#waiting = options.isHeld ? [] : null;
    this.#isGreeted = options.isGreeted;
    this.#lastAt = since;
  }

  /** When its last datagram came, or left late, on the monotonic clock. */
  get lastAt(): Micros {
    return this.#lastAt;
  }

  /** Some of what came is still to be answered: for the commit, or by a fault. */
  get isHolding(): boolean {
    return this.#waiting !== null || this.#pipeline?.isHolding === true;
  }

  get readBytes(): number {
    return this.#progress.readBytes;
  }

  get accepted(): AcceptedConnection {
    const { id, endpoint, raddr, openedAt: acceptedAt } = this;
    const { listenerId } = this.#host;
    const { laddr, fd } = endpoint;
    return acceptedConnection({ id, listenerId, protocol: 'udp', laddr, raddr, fd, acceptedAt });
  }

  /** The bytes are there during the call only; `now` is the monotonic clock's. */
  receive(bytes: Buffer, now: Micros): void {
    this.#lastAt = now;
    if (bytes.length > 0) this.#progress.received(this.#host.clock);
    this.#progress.readBytes += bytes.length;
    // Only now that the session is known, and this is counted: a fault may end it at once.
    if (!this.#haveFaultsBegun) this.#applyFaults(this.faults.active);
    this.#haveFaultsBegun = true;
    if (this.#waiting === null) this.#answer(bytes, now);
    else if (this.#host.held.take(bytes)) this.#waiting.push(Buffer.from(bytes));
  }

  /** The opening is committed: answers what has waited. */
  release(): void {
    const now = this.#host.clock.monotonic();
    const waiting = this.#takeWaiting();
    if (waiting.some(({ length }) => length > 0)) this.#progress.sent(this.#host.clock);
    for (const bytes of waiting) this.#answer(bytes, now);
  }

  #takeWaiting(): readonly Buffer[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const bytes of waiting) this.#host.held.give(bytes);
    return waiting;
  }

  #answer(bytes: Buffer, now: Micros): void {
    if (this.#end !== null || !this.#host.mayAnswer(this, bytes, now)) return;
    const greeting = this.#takeGreeting();
    if (greeting !== null && greeting.length <= bytes.length) this.#send(greeting);
    else if (this.#pipeline === null) this.#send(bytes);
    else this.#pipeline.push(bytes);
  }

  #takeGreeting(): Buffer | null {
    if (!this.#isGreeted) return null;
    this.#isGreeted = false;
    return greetingOf(this.accepted);
  }

  /** The listener's faults have changed. */
  update(faults: ConnectionFaults): void {
    this.faults = faults;
    this.traits = this.#traitsOf(faults.active);
    if (this.#end === null) this.#applyFaults(faults.active);
  }

  #traitsOf(faults: readonly ActiveFault[]): LoopTraits {
    return loopTraitsOf(
      faults.map(({ fault }) => fault),
      this.#host.faultHeldBytesMax,
    );
  }

  #applyFaults(faults: readonly ActiveFault[]): void {
    if (this.#pipeline !== null) {
      this.#pipeline.replace(faults);
      if (this.#pipeline?.isIdle) this.#pipeline = null;
    } else if (faults.length > 0) {
      this.#pipeline = this.#newPipeline(faults);
      this.#pipeline.start();
    }
  }

  #newPipeline(faults: readonly ActiveFault[]): FaultPipeline {
    const { faultResources: resources, clock } = this.#host;
    const ageMs = (clock.monotonic() - this.since) / 1000;
    const sink = {
      write: (bytes: Buffer) => this.#sendLate(bytes),
      end: () => undefined,
      close: (mode: CloseMode) => this.close(mode === 'rst' ? 'rst' : 'fin', 'server', 'fault'),
      pause: () => undefined,
      resume: () => undefined,
      pendingBytes: () => this.endpoint.queuedBytes(),
      idle: () => {
        this.#pipeline = null;
      },
    };
    return new FaultPipeline({ sink, faults, kind: 'datagram', resources, ageMs });
  }

  #sendLate(bytes: Buffer): void {
    this.#lastAt = this.#host.clock.monotonic();
    if (bytes.length > 0) this.#progress.sent(this.#host.clock);
    this.#host.onAnswer(this, bytes, this.#lastAt);
    this.#send(bytes);
  }

  #send(bytes: Buffer): void {
    const { endpoint, remote } = this;
    const { sending, sendQueueBytesMax } = this.#host;
    // What the network does not take is dropped, as a router would.
    if (endpoint.queuedBytes() > sendQueueBytesMax || !sending.take(bytes)) {
      this.#error = 'ENOBUFS';
      return;
    }
    this.#sending += 1;
    endpoint.send(bytes, remote, this.#onSent);
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null, length: number): void => {
    this.#sending -= 1;
    this.#host.sending.give({ length });
    if (error === null) this.#sentBytes += length;
    // Of this datagram only: the next may well go.
    else if (!this.#isClosed) this.#error = error.code ?? 'UNKNOWN';
    if (this.#sending === 0 && this.#end !== null) this.#finish(this.#end);
  };

  /** `fin` lets what was sent leave. No peer is told: UDP has no words for it. */
  close(mode: 'fin' | 'rst', initiator: CloseInitiator, reason: CloseReason): void {
    if (this.#end !== null) return;
    this.#end = { initiator, reason };
    this.#takeWaiting();
    this.#pipeline?.destroy();
    this.#host.onClosing(this);
    if (mode === 'rst' || this.#sending === 0) this.#finish(this.#end);
  }

  #finish(end: End): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const at = this.#host.clock.now();
    const last = { ...end, at, error: this.#error, bytesOut: this.#sentBytes };
    this.#host.record(this.#progress.closed(last));
    this.#host.onClosed(this);
  }

  movedCounters(): CountersRecord | null {
    return this.#progress.moved(this.#sentBytes, this.#sending > 0);
  }
}
