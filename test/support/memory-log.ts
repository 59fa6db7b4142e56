/** A project's log, as a MemoryDatabase has it. */
import { randomUUID } from 'node:crypto';
import type { Event } from '../../src/core/event.ts';
import type { LogAge, LogAgeing, LogBounds, PurgeRequest } from '../../src/core/log-keeping.ts';
import type { Micros } from '../../src/core/time.ts';

export class MemoryLog {
  /** Every event ever committed, purged ones too: what tests hold streams against. */
  readonly history: Event[] = [];
  #oldestSeq = 1;
  #bytes = 0;
  #ages: readonly (Pick<LogAge, 'time' | 'bytes'> & { readonly seq: number })[] = [
    { seq: 0, time: 0, bytes: 0 },
  ];

  /** Another one is that of another log, such as after a restore. */
  id: string = randomUUID();

  get bounds(): LogBounds {
    return { headSeq: this.history.length, oldestSeq: this.#oldestSeq };
  }

  /** The kept events, oldest first. */
  get kept(): readonly Event[] {
    return this.history.slice(this.#oldestSeq - 1);
  }

  grow(bytes: number): void {
    this.#bytes += bytes;
  }

  /** At this time of all logs. */
  age({ markMs, markBytes }: LogAgeing, time: Micros): number {
    const seq = this.history.length;
    const last = this.#ages.at(-1);
    const isDue =
      last !== undefined &&
      seq > last.seq &&
      (time - last.time >= markMs * 1000 || this.#bytes - last.bytes >= markBytes);
    if (isDue) this.#ages = [...this.#ages, { seq, time, bytes: this.#bytes }];
    return this.#bytes - this.#bytesBefore(this.#oldestSeq - 1);
  }

  /** The mark at or before, and the next one or the head. */
  #around(isBefore: (mark: { seq: number; bytes: number }) => boolean) {
    const marks = [...this.#ages, { seq: this.history.length, bytes: this.#bytes }];
    const at = this.#ages.findLastIndex(isBefore);
    const [mark, next = mark] = marks.slice(Math.max(at, 0));
    if (mark === undefined || next === undefined) throw new TypeError('there is a first mark');
    return { at, mark, next };
  }

  #bytesBefore(seq: number): number {
    const { mark, next } = this.#around((one) => one.seq <= seq);
    const part = (seq - mark.seq) / Math.max(1, next.seq - mark.seq);
    return Math.round(mark.bytes + (next.bytes - mark.bytes) * part);
  }

  #seqOfBytes(bytes: number): number {
    const { at, mark, next } = this.#around((one) => one.bytes <= bytes);
    if (at < 0) return 0;
    const part = (next.seq - mark.seq) * (bytes - mark.bytes);
    return mark.seq + Math.ceil(part / Math.max(1, next.bytes - mark.bytes));
  }

  /** The events that go, and whether there are more to go. */
  purge({ before, eventsMax, bytesMax, limit }: PurgeRequest): {
    readonly gone: readonly Event[];
    readonly hasMore: boolean;
  } {
    const aged = this.#ages.findLast(({ time }) => time <= before)?.seq ?? 0;
    const headSeq = this.history.length;
    const due = Math.max(aged, headSeq - eventsMax, this.#seqOfBytes(this.#bytes - bytesMax));
    const oldestSeq = this.#oldestSeq;
    this.#oldestSeq = Math.max(oldestSeq, Math.min(due, oldestSeq - 1 + limit) + 1);
    const first = this.#ages.findLastIndex(({ seq }) => seq < this.#oldestSeq);
    this.#ages = this.#ages.slice(first);
    const gone = this.history.slice(oldestSeq - 1, this.#oldestSeq - 1);
    return { gone, hasMore: this.#oldestSeq <= due };
  }
}
