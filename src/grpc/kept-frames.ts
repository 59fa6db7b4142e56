/**
 * The frames of the events that were written last, by log and seq. They lie in one ring of bytes, so that keeping them
 * makes no work for the garbage collector: a frame is there until the ring comes round to it.
 */
import type { ByteSink } from './byte-sink.ts';

export class KeptFrames {
  readonly #max: number;
  readonly #bytes: Buffer;
  /** By seq modulo `max`: whose frame it is, where it starts counted from the first ever, how long it is. */
  readonly #seqs: Float64Array;
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  /** Which log it is of: each has every seq. */
  readonly #logs: string[];
  /** And which name of its listener it tells. */
  readonly #names: (string | null)[];
  /** Where the next frame starts. */
  #head = 0;

  constructor({
    framesMax: max,
    bytesMax,
  }: { readonly framesMax: number; readonly bytesMax: number }) {
    this.#max = max;
    this.#bytes = Buffer.allocUnsafeSlow(bytesMax);
    this.#seqs = new Float64Array(max).fill(-1);
    this.#starts = new Float64Array(max);
    this.#lengths = new Uint32Array(max);
    this.#logs = new Array<string>(max).fill('');
    this.#names = new Array<string | null>(max).fill(null);
  }

  /** Appends the frame of the seq to the sink; false where none is kept that tells this name. */
  copyTo(sink: ByteSink, log: string, seq: number, name: string | null): boolean {
    const place = seq % this.#max;
    const start = this.#starts[place] ?? 0;
    const size = this.#bytes.length;
    if (this.#seqs[place] !== seq || start < this.#head - size) return false;
    if (this.#logs[place] !== log || this.#names[place] !== name) return false;
    sink.append(this.#bytes, start % size, (start % size) + (this.#lengths[place] ?? 0));
    return true;
  }

  /** Keeps the sink's bytes from a place on as the frame of the seq. */
  keep(log: string, seq: number, name: string | null, sink: ByteSink, from: number): void {
    const length = sink.at - from;
    const size = this.#bytes.length;
    if (length > size) return;
    const left = size - (this.#head % size);
    // A frame lies in one piece: what is left at the end stays unused.
    if (left < length) this.#head += left;
    const place = seq % this.#max;
    sink.copyTo(this.#bytes, this.#head % size, from);
    this.#seqs[place] = seq;
    this.#starts[place] = this.#head;
    this.#lengths[place] = length;
    this.#logs[place] = log;
    this.#names[place] = name;
    this.#head += length;
  }
}
