/**
 * One accepted TCP socket and its echo: bytes go back unchanged and in order; a FIN is answered with FIN after
 * all of them. At most one read is in memory: a client that does not read is not read from.
 */
import type { Socket } from 'node:net';
import { type Address, plainIp } from '../core/address.ts';
import type { CloseInitiator, CloseReason, Connection } from '../core/connection.ts';
import type { Clock } from '../core/ports.ts';
import type { CountersRecord, WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { OpenConnection } from './echo-listener.ts';

export interface TcpConnectionOptions {
  readonly id: string;
  readonly listenerId: string;
  readonly nodeId: string;
  readonly acceptedAt: Micros;
  readonly mode: 'echo' | 'discard' | 'info';
  readonly clock: Clock;
  readonly record: (record: WorkerRecord) => void;
  readonly onClosed: (connection: TcpConnection) => void;
}

interface End {
  readonly initiator: CloseInitiator;
  readonly reason: CloseReason;
}

const lingerMs = 2000;

export class TcpConnection implements OpenConnection {
  readonly opened: Connection;
  readonly #options: TcpConnectionOptions;
  readonly #socket: Socket;
  #bytesIn = 0;
  #firstByteAt: Micros | null = null;
  #halfClosedAt: Micros | null = null;
  #end: End | null = null;
  #error: string | null = null;
  #countedBytes = 0;

  constructor(accepted: Socket, options: TcpConnectionOptions) {
    const { id, listenerId, nodeId, acceptedAt } = options;
    this.#options = options;
    this.#socket = accepted;
    this.opened = {
      id,
      listenerId,
      nodeId,
      protocol: 'tcp',
      laddr: address(accepted.localAddress, accepted.localPort),
      raddr: address(accepted.remoteAddress, accepted.remotePort),
      declaredRaddr: null,
      pid: process.pid,
      fd: fdOf(accepted),
      state: 'open',
      acceptedAt,
      firstByteAt: null,
      halfClosedAt: null,
      closedAt: null,
      bytesIn: 0,
      bytesOut: 0,
      closeInitiator: null,
      closeReason: null,
      error: null,
      tls: null,
    };
    this.#socket.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    this.#socket.pause();
    this.#socket.on('drain', () => this.#socket.resume());
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    this.#socket.on('close', () => this.#onClose());
  }

  /** Begins to read. */
  start(): void {
    const { id, listenerId, mode } = this.#options;
    if (mode === 'info') {
      const { laddr, raddr } = this.opened;
      this.#socket.write(`${JSON.stringify({ connectionId: id, listenerId, raddr, laddr })}\n`);
    }
    this.#socket.resume();
  }

  #onBytes(bytes: Buffer): void {
    this.#firstByteAt ??= this.#options.clock.now();
    this.#bytesIn += bytes.length;
    if (this.#options.mode === 'discard') return;
    // A client that does not read is not read from.
    if (!this.#socket.write(bytes)) this.#socket.pause();
  }

  #onEnd(): void {
    this.#end ??= { initiator: 'peer', reason: 'peer_fin' };
    this.#halfClosedAt = this.#options.clock.now();
    if (this.#socket.writableLength > 0) {
      this.#options.record({ kind: 'half_closed', at: this.#halfClosedAt, ...this.#counters() });
    }
    this.#socket.end();
  }

  #onError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? 'UNKNOWN';
    this.#error = code;
    const isReset = code === 'ECONNRESET' || code === 'EPIPE';
    if (this.#end?.initiator === 'operator' || this.#end?.initiator === 'system') return;
    this.#end = isReset
      ? { initiator: 'peer', reason: 'peer_rst' }
      : { initiator: 'system', reason: 'error' };
  }

  #onClose(): void {
    const { clock, record, onClosed } = this.#options;
    const { initiator, reason } = this.#end ?? { initiator: 'system', reason: 'error' };
    const halfClosedAt = this.#halfClosedAt;
    const end = { at: clock.now(), halfClosedAt, initiator, reason, error: this.#error };
    record({ kind: 'closed', ...end, ...this.#counters() });
    onClosed(this);
  }

  #counters() {
    const bytesOut =
      this.#options.mode === 'discard'
        ? 0
        : this.#socket.bytesWritten - this.#socket.writableLength;
    return {
      id: this.#options.id,
      bytesIn: this.#bytesIn,
      bytesOut,
      firstByteAt: this.#firstByteAt,
    };
  }

  /** Its counters, when they have moved since they were last told. */
  movedCounters(): CountersRecord | null {
    const counters = this.#counters();
    const bytes = counters.bytesIn + counters.bytesOut;
    if (bytes === this.#countedBytes) return null;
    this.#countedBytes = bytes;
    return { kind: 'counters', ...counters };
  }

  /** FIN after what was written, and then no more is read; or RST at once. */
  close(mode: 'fin' | 'rst', initiator: CloseInitiator, reason: CloseReason): void {
    if (this.#socket.destroyed) return;
    this.#end = { initiator, reason };
    if (mode === 'rst') {
      this.#socket.resetAndDestroy();
      return;
    }
    this.#socket.destroySoon();
    // One that does not take its last bytes is not waited for.
    setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }
}

function address(ip: string | undefined, port: number | undefined): Address {
  return { ip: plainIp(ip ?? '0.0.0.0'), port: port ?? 0 };
}

/** Node shows a socket's fd only on its handle. */
function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } | null };
  return handle?.fd ?? -1;
}
