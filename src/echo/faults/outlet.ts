/**
 * The end of a pipeline: what has passed all faults goes to the socket, piece by piece, as there is time and as the
 * kernel takes it. A write that it has not taken costs far more than its bytes, so only few of them wait there.
 */
import type { CloseMode } from '../../faults/held-items.ts';
import { type Finish, HeldItems } from '../../faults/held-items.ts';
import { HeldTally } from '../../faults/held-tally.ts';
import type { Link, StageContext } from '../../faults/stage.ts';

/** Where the bytes go, and what a fault may do to the connection. None of it may call `push` or `end` at once. */
export interface FaultSink {
  /** In order. The bytes belong to the sink from then on, unless they came from `push` in this very call. */
  write(bytes: Buffer): void;
  /** FIN, after all that was written; nothing is called afterwards. */
  end(): void;
  /** A fault ends the connection: `fin` and `half_close` after all that was written. Nothing is called afterwards. */
  close(mode: CloseMode): void;
  /** Stop and go on reading; called in turn, for streams only. */
  pause(): void;
  resume(): void;
  /** Bytes that were written and that the kernel has not taken yet. */
  pendingBytes(): number;
  /** Nothing is held any more, and no fault is left: it can do without the pipeline. */
  idle(): void;
}

/** Writes, and bytes, that the kernel may leave waiting before the next one waits here. */
const untakenWritesMax = 16;
const untakenBytesMax = 16_384;

export class Outlet implements Link {
  readonly #sink: FaultSink;
  readonly #context: StageContext;
  readonly #onFinish: (how: Finish) => void;
  readonly held: HeldTally;
  readonly #items: HeldItems;
  #untakenWrites = 0;

  constructor(sink: FaultSink, context: StageContext, onFinish: (how: Finish) => void) {
    this.#sink = sink;
    this.#context = context;
    this.#onFinish = onFinish;
    this.held = new HeldTally(context.held);
    this.#items = new HeldItems(this.held);
  }

  enter(bytes: Buffer, isOwned: boolean): void {
    if (this.#items.head === undefined && this.#mayWrite()) this.#write(bytes);
    else this.#items.add(bytes, isOwned);
  }

  speak(bytes: Buffer): void {
    this.enter(bytes, true);
  }

  finish(how: Finish): void {
    if (this.#items.head === undefined) this.#onFinish(how);
    else this.#items.add(how, true);
  }

  goOn(): void {
    for (let head = this.#items.head; head !== undefined; head = this.#items.head) {
      if (typeof head !== 'string' && !this.#mayWrite()) return;
      this.#items.shift();
      if (typeof head === 'string') this.#onFinish(head);
      else this.#write(head);
    }
  }

  #write(bytes: Buffer): void {
    this.#untakenWrites += 1;
    this.#sink.write(bytes);
  }

  /** Goes on at the next turn, or when the kernel has taken what waits. */
  #mayWrite(): boolean {
    if (!this.#context.hasTime()) {
      this.#context.later();
      return false;
    }
    // A socket of datagrams is one for all, and bounded by itself.
    if (this.#context.kind === 'datagram') return true;
    const untaken = this.#sink.pendingBytes();
    if (untaken === 0) this.#untakenWrites = 0;
    return untaken <= untakenBytesMax && this.#untakenWrites < untakenWritesMax;
  }

  destroy(): void {
    this.#items.drain();
  }
}
