/**
 * One accepted connection over TCP or TLS, and its echo: bytes go back unchanged and in order; the client's FIN is
 * answered with FIN after all of them. A client that does not read is not read from.
 *
 *   client ─► transport ─► (faults) ─► transport ─► client
 *
 * - A connection without faults and limits pays for neither: its bytes go straight back.
 * - Whoever ends it first is told as who ended it; what fails later only adds its error code.
 */
import type { CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { CountersRecord } from '../../core/record.ts';
import { Alarm, monotonicMs } from '../../faults/alarm.ts';
import { behindDiscard } from '../../faults/drop.ts';
import type { CloseMode } from '../../faults/held-items.ts';
import { ConnectionProgress, type End } from '../connection-progress.ts';
import type { OpenConnection } from '../echo-listener.ts';
import { FaultPipeline } from '../faults/fault-pipeline.ts';
import type { ConnectionFaults } from '../faults/listener-faults.ts';
import type { FaultSink } from '../faults/outlet.ts';
import type { Accepted, ConnectionHost } from './connection-host.ts';
import { hasTimeLimit, LimitTimer } from './limit-timer.ts';
import { Linger } from './linger.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';

/** Ends that wait for nobody: FIN, and the socket is closed. */
const hasteful: ReadonlySet<CloseReason> = new Set(['listener_deleted', 'shutdown']);

export class StreamConnection implements OpenConnection, TransportOwner, FaultSink {
  readonly accepted: Accepted;
  /** What its listener's list of faults says of it. */
  faults: ConnectionFaults;
  readonly #host: ConnectionHost;
  readonly #transport: StreamTransport;
  readonly #progress: ConnectionProgress;
  #end: End | null = null;
  #error: string | null = null;
  /** Nothing stands between a read and its write. */
  #isPlain = false;
  /** We end it: what still comes is dropped. While there is a pipeline, that still has bytes which go back first. */
  #isEnding = false;
  #hasFinished = false;
  #hasStarted = false;
  /** From the start on, its delay included. */
  #hasLimits = false;
  #pipeline: FaultPipeline | null = null;
  #timer: LimitTimer | null = null;
  #linger: Linger | null = null;
  #delay: Alarm | null = null;

  constructor(
    host: ConnectionHost,
    accepted: Accepted,
    faults: ConnectionFaults,
    makeTransport: (owner: TransportOwner) => StreamTransport,
  ) {
    this.#host = host;
    this.accepted = accepted;
    this.#progress = new ConnectionProgress(accepted.id, host);
    this.faults = faults;
    this.#transport = makeTransport(this);
  }

  /** Begins to read, after the delay. The greeting is what the server says first, faults aside. */
  start(greeting: Buffer | null, delayMs = 0): void {
    if (this.#isEnding) return;
    this.#hasLimits = true;
    this.updateLimits();
    if (delayMs > 0) {
      this.#delay = new Alarm(() => this.start(greeting));
      this.#delay.set(monotonicMs() + delayMs);
      return;
    }
    this.#hasStarted = true;
    if (greeting !== null) this.write(greeting);
    this.#transport.resume();
    this.updateFaults(this.faults);
  }

  /** The limits of the listener have changed, or hold from now on: how long a commit takes is no time of the client's. */
  updateLimits(): void {
    // Whoever waits for its client's FIN already ends by itself.
    if (!this.#hasLimits || this.#linger !== null) return;
    const { limits, clock } = this.#host;
    const { since } = this.accepted;
    const onDue = (reason: CloseReason) => this.close('fin', 'server', reason);
    if (!hasTimeLimit(limits)) {
      this.#timer?.stop();
      this.#timer = null;
    } else if (this.#timer !== null) this.#timer.update(limits);
    else this.#timer = new LimitTimer({ clock, limits, since, transport: this.#transport, onDue });
    this.#notePath();
  }

  updateFaults(faults: ConnectionFaults): void {
    this.faults = faults;
    if (!this.#hasStarted || (this.#isEnding && this.#pipeline === null)) return;
    const active = this.#host.mode === 'discard' ? behindDiscard(faults.active) : faults.active;
    if (this.#pipeline !== null) {
      this.#pipeline.replace(active);
      if (this.#pipeline?.isIdle) this.#pipeline = null;
    } else if (active.length > 0 && this.#end === null) {
      const { clock, faultResources: resources } = this.#host;
      const ageMs = (clock.monotonic() - this.accepted.since) / 1000;
      const options = { sink: this, faults: active, kind: 'stream', resources, ageMs } as const;
      this.#pipeline = new FaultPipeline(options);
      this.#transport.resume();
      this.#pipeline.start();
    }
    this.#notePath();
  }

  #notePath(): void {
    const { mode, limits } = this.#host;
    this.#isPlain =
      mode === 'echo' &&
      limits.maxBytes === null &&
      this.#timer === null &&
      this.#pipeline === null &&
      !this.#isEnding;
    this.#transport.readSmall(this.#pipeline !== null);
  }

  onBytes(bytes: Buffer): void {
    if (this.#isEnding && !this.#isHalfClosed) return;
    this.#progress.received(this.#host.clock);
    if (!this.#isPlain) {
      this.#onBytesWithin(bytes);
      return;
    }
    this.#progress.readBytes += bytes.length;
    if (!this.#transport.write(bytes)) this.#transport.pause();
  }

  /** By a fault: FIN was sent, and the client is still read from, for as long as it sends. */
  get #isHalfClosed(): boolean {
    return this.#isEnding && this.#linger === null && this.#pipeline === null;
  }

  #onBytesWithin(bytes: Buffer): void {
    const { mode, limits } = this.#host;
    // What comes behind its half-close is counted whole: a number of bytes ends it no more.
    const maxBytes = this.#isEnding ? null : limits.maxBytes;
    const room = (maxBytes ?? Number.POSITIVE_INFINITY) - this.#progress.readBytes;
    const taken = bytes.length > room ? bytes.subarray(0, Math.max(0, room)) : bytes;
    this.#progress.readBytes += taken.length;
    this.#timer?.moved();
    if (this.#isEnding) return;
    if (taken.length > 0) {
      if (this.#pipeline !== null) this.#pipeline.push(taken);
      else if (mode !== 'discard' && !this.#write(taken)) this.#transport.pause();
    }
    if (bytes.length >= room && !this.#isEnding) this.#closeFull();
  }

  /** It has read all that it may: what its faults still hold goes back first. */
  #closeFull(): void {
    if (this.#pipeline === null) this.close('fin', 'server', 'max_bytes');
    else {
      this.#isEnding = true;
      this.#end = { initiator: 'server', reason: 'max_bytes' };
      this.#pipeline.end('fin');
    }
  }

  #write(bytes: Buffer): boolean {
    const mayGoOn = this.#transport.write(bytes);
    // A write that failed has closed the connection; else its end is still to come, behind what faults hold.
    if (this.#isEnding && this.#pipeline === null) return mayGoOn;
    if (this.#transport.pendingBytes > 0) this.#timer?.blocked();
    else this.#timer?.moved();
    return mayGoOn;
  }

  // What the faults do with the client's end of the connection.

  write(bytes: Buffer): void {
    this.#progress.sent(this.#host.clock);
    this.#write(bytes);
  }

  end(): void {
    this.#transport.finish();
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  pendingBytes(): number {
    return this.#transport.pendingBytes;
  }

  idle(): void {
    this.#pipeline = null;
    this.#notePath();
  }

  onDrain(): void {
    this.#progress.sent(this.#host.clock);
    this.#timer?.drained();
    this.#pipeline?.drained();
    if (this.#pipeline === null) this.#transport.resume();
  }

  onEnd(): void {
    if (this.#isEnding) {
      this.#progress.halfClose(this.#host.clock);
      if (this.#hasFinished) this.#transport.destroy();
      return;
    }
    this.#end = { initiator: 'peer', reason: 'peer_fin' };
    this.#progress.halfClose(this.#host.clock);
    if (this.#pipeline !== null) this.#pipeline.end();
    else this.#transport.finish();
    if (this.#isEnding) return;
    this.#host.record(this.#progress.halfClosed(this.#transport.bytesWritten));
  }

  onFinished(): void {
    this.#hasFinished = true;
    if (this.#progress.isHalfClosed) this.#transport.destroy();
    else if (this.#end !== null && hasteful.has(this.#end.reason)) this.#transport.destroy();
    else this.#linger?.begin('fin');
  }

  onError(code: string): void {
    this.#error = code;
    if (this.#isEnding) return;
    this.#end = ['ECONNRESET', 'EPIPE'].includes(code)
      ? { initiator: 'peer', reason: 'peer_rst' }
      : { initiator: 'system', reason: 'error' };
  }

  onClosed(): void {
    this.#isEnding = true;
    this.#stopTimers();
    this.#timer?.stop();
    const end = this.#end ?? { initiator: 'system', reason: 'error' };
    const { bytesWritten: bytesOut } = this.#transport;
    const at = this.#host.clock.now();
    this.#host.record(this.#progress.closed({ ...end, at, bytesOut, error: this.#error }));
    this.#host.onClosed(this.accepted);
  }

  #stopTimers(): void {
    this.#pipeline?.destroy();
    this.#pipeline = null;
    this.#linger?.stop();
    this.#delay?.clear();
  }

  movedCounters(): CountersRecord | null {
    const { bytesWritten, pendingBytes } = this.#transport;
    return this.#progress.moved(bytesWritten, pendingBytes > 0);
  }

  /**
   * FIN after what was written, and then the client has a while to end its side: closing at once would answer what it
   * still sends with RST, which may take from it what it has not read yet (RFC 1122, 4.2.2.13).
   */
  close(
    mode: CloseMode,
    initiator: CloseInitiator = 'server',
    reason: CloseReason = 'fault',
  ): void {
    if (this.#isEnding && this.#pipeline === null) {
      // A half-closed one waits for its client, but not for ever.
      if (mode === 'rst') this.#transport.reset();
      else if (this.#isHalfClosed || hasteful.has(reason)) this.#transport.destroy();
      return;
    }
    if (!this.#isEnding || reason !== 'fault') this.#end = { initiator, reason };
    this.#isEnding = true;
    this.#stopTimers();
    if (mode === 'rst') {
      const isBehindBytes = reason === 'fault' && this.#transport.pendingBytes > 0;
      if (isBehindBytes) this.#waitForClient('rst');
      this.#transport.reset(isBehindBytes);
      return;
    }
    // What the client still sends is read, so that its own FIN is seen.
    this.#transport.resume();
    if (mode !== 'half_close') {
      this.#timer?.stop();
      this.#waitForClient('fin');
    }
    this.#transport.end();
  }

  #waitForClient(mode: 'fin' | 'rst'): void {
    this.#linger = new Linger(this.#transport, this.#host.settings.lingerMs);
    this.#linger.begin(mode);
  }
}
