/**
 * What a worker knows of a connection, and how it tells it. A field that every connection has is named here, and nowhere
 * else in echo but where something is done with it.
 */
import type { Address } from '../core/address.ts';
import type { AcceptedConnection, CloseInitiator, CloseReason } from '../core/connection.ts';
import type { Counters, CountersRecord, StepRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { WorkerClock } from './worker-clock.ts';

/** What a socket tells at once; a preamble may add to it. */
export function acceptedConnection<Raddr extends Address | null>(
  seen: Pick<AcceptedConnection, 'id' | 'listenerId' | 'protocol' | 'laddr' | 'fd'> & {
    readonly raddr: Raddr;
    readonly acceptedAt: Micros;
  },
): AcceptedConnection & { readonly raddr: Raddr } {
  return { ...seen, pid: process.pid, declaredRaddr: null, tls: null };
}

/** Who ended it, and how. */
export interface End {
  readonly initiator: CloseInitiator;
  readonly reason: CloseReason;
}

interface Closing extends End {
  readonly at: Micros;
  /** The system's code. */
  readonly error: string | null;
  readonly bytesOut: number;
}

/** Who asks for counters, and is told that there may be news. */
export interface ProgressObserver {
  onMoved(id: string): void;
}

export class ConnectionProgress {
  readonly id: string;
  readonly #observer: ProgressObserver | null;
  /** Of what the client has sent. */
  readBytes = 0;
  #firstByteAt: Micros | null = null;
  #lastByteAt: Micros | null = null;
  #halfClosedAt: Micros | null = null;
  #toldBytes = 0;
  /** It was told since the counters were asked for. */
  #hasMoved = false;

  constructor(id: string, observer: ProgressObserver | null) {
    this.id = id;
    this.#observer = observer;
  }

  /** Bytes have come. */
  received(clock: WorkerClock): void {
    this.#lastByteAt = clock.now();
    this.#firstByteAt ??= this.#lastByteAt;
    if (!this.#hasMoved) this.#move();
  }

  /** Bytes have gone out at another time than others came. */
  sent(clock: WorkerClock): void {
    this.#lastByteAt = clock.now();
    if (!this.#hasMoved) this.#move();
  }

  #move(): void {
    this.#hasMoved = true;
    this.#observer?.onMoved(this.id);
  }

  get isHalfClosed(): boolean {
    return this.#halfClosedAt !== null;
  }

  /** The client has sent its FIN. */
  halfClose(clock: WorkerClock): void {
    this.#halfClosedAt ??= clock.now();
  }

  #counters(bytesOut: number): Counters {
    const [firstByteAt, lastByteAt] = [this.#firstByteAt, this.#lastByteAt];
    return { id: this.id, bytesIn: this.readBytes, bytesOut, firstByteAt, lastByteAt };
  }

  halfClosed(bytesOut: number): StepRecord {
    const halfClosedAt = this.#halfClosedAt;
    if (halfClosedAt === null) throw new TypeError('the client has sent no FIN');
    return { kind: 'half_closed', connection: { ...this.#counters(bytesOut), halfClosedAt } };
  }

  closed({ at, initiator, reason, error, bytesOut }: Closing): StepRecord {
    const end = { closedAt: at, closeInitiator: initiator, closeReason: reason, error };
    const halfClosedAt = this.#halfClosedAt;
    return { kind: 'closed', connection: { ...this.#counters(bytesOut), halfClosedAt, ...end } };
  }

  /** Null where nothing has gone through since this was asked last. What waits to leave goes by itself: it is asked again. */
  moved(bytesOut: number, isWaiting: boolean): CountersRecord | null {
    this.#hasMoved = false;
    if (isWaiting) this.#move();
    const bytes = this.readBytes + bytesOut;
    if (bytes === this.#toldBytes) return null;
    this.#toldBytes = bytes;
    return { kind: 'counters', connection: this.#counters(bytesOut) };
  }
}
