/**
 * The end of a pipeline: what has passed all faults goes to the socket, piece by piece, as there is time and as the
 * kernel takes it. A write that it has not taken costs far more than its bytes, so only few of them wait there.
 */
import type { FaultSink } from './fault-pipeline.ts';
import { HeldItems } from './held-items.ts';
import { HeldTally } from './held-tally.ts';
import type { Finish, Link, StageContext } from './stage.ts';

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
