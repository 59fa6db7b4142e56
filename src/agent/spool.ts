/**
 * The records of this boot that are not on record yet, each with its number for ever, in order. A session sends them from
 * the first one on; the next session sends again what was not acknowledged, under the same numbers.
 *
 * - It is bounded by whoever fills it: a batch that would make it fuller is taken, and its worker waits for the word that
 *   it may send the next. From three quarters on the workers are let go on one by one, at a pace.
 * - A client that waits for its record waits for the commit: the spool dies with its process.
 */
import type { WorkerRecord } from '../core/record.ts';
import type { FrameOf, NodeFrame } from '../wire/frames.ts';
import { type RowLimits, rowsBytes, rowsText } from '../wire/record-frames.ts';

export interface SpoolLimits extends RowLimits {
  readonly spoolRecordsMax: number;
  /** Between two batches that are let go on while it is nearly full. */
  readonly spoolSlowMs: number;
}

/** Records that go in one frame, as text. */
interface Chunk {
  readonly last: number;
  readonly count: number;
  readonly text: string;
  readonly isAwaited: boolean;
  /** Their last one is on record. */
  readonly onCommitted: (() => void) | null;
}

type RecordsFrame = FrameOf<NodeFrame, 'records'>;

const slowShare = 0.75;
/** So many chunks that are done lie before the others at most, or as many as there are others. */
const doneChunksMax = 1024;
const bracketBytes = 2;

export class Spool {
  readonly #limits: SpoolLimits;
  #chunks: Chunk[] = [];
  /** Where the first one that is not on record stands, and the first that was not sent in this session. */
  #first = 0;
  #next = 0;
  #last = 0;
  #committed = 0;
  #sent = 0;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #onEmpty: (() => void) | null = null;
  #isGivenUp = false;
  /** Told when there is something to send. */
  onMore: () => void = () => undefined;

  constructor(limits: SpoolLimits) {
    this.#limits = limits;
  }

  /** The number of the last record that came. */
  get last(): number {
    return this.#last;
  }

  /** Of the last one that was sent in this session. */
  get sent(): number {
    return this.#sent;
  }

  /** How many are not on record. */
  get size(): number {
    return this.#last - this.#committed;
  }

  get #isSlow(): boolean {
    return this.size >= this.#limits.spoolRecordsMax * slowShare;
  }

  get #isFull(): boolean {
    return this.size >= this.#limits.spoolRecordsMax;
  }

  /** Resolves when more may come; for a batch that is awaited, when it is on record. */
  async push(records: readonly WorkerRecord[], isAwaited: boolean): Promise<void> {
    if (records.length === 0) return;
    const committed = Promise.withResolvers<void>();
    this.#add(records, isAwaited, isAwaited ? committed.resolve : null);
    this.onMore();
    if (this.#isGivenUp) return;
    if (isAwaited) await committed.promise;
    else if (this.#isSlow) await this.#turn();
  }

  #add(
    records: readonly WorkerRecord[],
    isAwaited: boolean,
    onCommitted: (() => void) | null,
  ): void {
    const { frameRecordsMax, frameBytesMax } = this.#limits;
    const count = records.length;
    const text = count <= frameRecordsMax ? rowsText(records) : '';
    if (count > frameRecordsMax || Buffer.byteLength(text) + bracketBytes > frameBytesMax) {
      const half = Math.ceil(count / 2);
      this.#add(records.slice(0, half), isAwaited, null);
      this.#add(records.slice(half), isAwaited, onCommitted);
      return;
    }
    this.#last += count;
    this.#chunks.push({ last: this.#last, count, text, isAwaited, onCommitted });
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#pace();
    });
  }

  #pace(): void {
    if (this.#timer !== null || this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isFull) this.#waiting.shift()?.();
      this.#pace();
    }, this.#limits.spoolSlowMs);
  }

  /** What is to be sent next, as much as fits one frame; null where all is sent. */
  take(): RecordsFrame | null {
    const { frameRecordsMax, frameBytesMax } = this.#limits;
    const chunks: Chunk[] = [];
    let count = 0;
    let bytes = bracketBytes;
    for (let at = this.#next; at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at];
      if (chunk === undefined) break;
      const more = Buffer.byteLength(chunk.text) + 1;
      const isOver = count + chunk.count > frameRecordsMax || bytes + more > frameBytesMax + 1;
      if (chunks.length > 0 && isOver) break;
      chunks.push(chunk);
      count += chunk.count;
      bytes += more;
    }
    const last = chunks.at(-1)?.last;
    if (last === undefined) return null;
    this.#next += chunks.length;
    this.#sent = last;
    const rows = rowsBytes(chunks.map(({ text }) => text));
    const isAwaited = chunks.some((chunk) => chunk.isAwaited);
    return { kind: 'records', first: last - count + 1, rows, isAwaited };
  }

  /** A session begins: what is not on record is sent again. */
  rewind(): void {
    this.#next = this.#first;
    this.#sent = this.#committed;
  }

  /** All up to this number are on record. */
  committed(through: number): void {
    for (;;) {
      const chunk = this.#chunks[this.#first];
      if (chunk === undefined || chunk.last > through) break;
      this.#committed = chunk.last;
      this.#first += 1;
      chunk.onCommitted?.();
    }
    this.#next = Math.max(this.#next, this.#first);
    this.#sent = Math.max(this.#sent, this.#committed);
    if (this.#first > doneChunksMax && this.#first * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#next -= this.#first;
      this.#first = 0;
    }
    if (!this.#isSlow) for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.size === 0) this.#onEmpty?.();
  }

  /** Resolves when all is on record, or given up. */
  async drained(): Promise<void> {
    if (this.size === 0 || this.#isGivenUp) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Nobody waits for what is on record any more: who did goes on, and who comes later does at once. For a stop. */
  giveUp(): void {
    this.#isGivenUp = true;
    for (const { onCommitted } of this.#chunks.slice(this.#first)) onCommitted?.();
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#onEmpty?.();
  }
}
