/**
 * The faults of one connection, in the order of the listener's list: each takes bytes from the one before it and hands
 * them on, later, fewer, changed or never. Behind the last one is the socket.
 *
 *   client ─► read ─► fault 1 ─► fault 2 ─► … ─► write ─► client
 *
 * - What is held on its way is bounded: reading stops while more than `heldBytesMax` wait here and in the socket.
 * - The client's FIN takes the same way, behind all its bytes.
 * - The list may change while bytes are on their way: none is lost, and none overtakes another.
 */
import type { CloseMode, Fault } from '../../core/fault.ts';

/** Where the bytes go, and what a fault may do to the connection. */
export interface FaultSink {
  /** In order. The bytes belong to the sink from then on, unless they came from `push` in this very call. */
  write(bytes: Buffer): void;
  /** FIN, after all that was written. */
  end(): void;
  /** A fault ends the connection: `fin` and `half_close` after all that was written. */
  close(mode: CloseMode): void;
  /** Stop and go on reading; both idempotent. */
  pause(): void;
  resume(): void;
  /** Bytes that were written and that the kernel has not taken yet. */
  pendingBytes(): number;
}

/** A fault that was chosen for a connection, with the numbers that it draws. */
export interface ActiveFault {
  readonly fault: Fault;
  /** Next number of the fault's own run for this connection: 0 to 1, without 1. */
  readonly random: () => number;
}

export class FaultPipeline {
  constructor(_: {
    sink: FaultSink;
    faults: readonly ActiveFault[];
    kind: 'stream' | 'datagram';
    heldBytesMax: number;
  }) {
    throw new TypeError('not yet');
  }
  readonly isIdle = true;
  start(): void {}
  push(_: Buffer): void {}
  end(): void {}
  drained(): void {}
  replace(_: readonly ActiveFault[]): void {}
  destroy(): void {}
}
