/**
 * The records of one worker on their way to the control plane.
 *
 * - The first record is sent at the end of the loop turn in which it came; no timer.
 * - At most two batches are on their way; while they are, the next one gathers.
 * - A batch is done when it is committed. When too much is not, the worker must stop accepting: what is open
 *   goes on and is still recorded, so the queue is bounded by that mark and the open connections.
 */
import type { WorkerRecord } from '../core/record.ts';
import type { Report } from './messages.ts';
import { toRows } from './record-rows.ts';

export interface RecordQueueOptions {
  readonly send: (report: Report) => void;
  readonly batchMax: number;
  readonly unackedMax: number;
  /** Told when the queue gets full, and when there is room again. */
  readonly onFull: (isFull: boolean) => void;
}

interface Waiting {
  /** The number of the record that it waits for. */
  readonly record: number;
  readonly onCommitted: () => void;
}

interface Batch {
  readonly count: number;
  readonly waiting: readonly Waiting[];
}

const batchesInFlightMax = 2;

export class RecordQueue {
  readonly #options: RecordQueueOptions;
  readonly #inFlight = new Map<number, Batch>();
  #pending: WorkerRecord[] = [];
  #waiting: Waiting[] = [];
  #uncommitted = 0;
  #pushed = 0;
  #sent = 0;
  #batches = 0;
  #isScheduled = false;
  #isFull = false;

  constructor(options: RecordQueueOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  push(record: WorkerRecord): void {
    this.#pending.push(record);
    this.#pushed += 1;
    this.#uncommitted += 1;
    if (!this.#isScheduled && this.#inFlight.size < batchesInFlightMax) {
      this.#isScheduled = true;
      setImmediate(this.#flush);
    }
    if (!this.#isFull && this.#uncommitted >= this.#options.unackedMax) this.#setFull(true);
  }

  /** Calls back when the record that was pushed last is committed. */
  whenCommitted(onCommitted: () => void): void {
    this.#waiting.push({ record: this.#pushed, onCommitted });
  }

  /** Sends all that is pending now, so that what is sent next comes after it. */
  flushAll(): void {
    while (this.#pending.length > 0) this.#sendBatch();
  }

  committed(number: number): void {
    const batch = this.#inFlight.get(number);
    if (batch === undefined) throw new TypeError(`batch ${number} is not on its way`);
    this.#inFlight.delete(number);
    this.#uncommitted -= batch.count;
    this.#flush();
    for (const { onCommitted } of batch.waiting) onCommitted();
    // Half empty, so that accepting does not stop and go with every batch.
    if (this.#isFull && this.#uncommitted <= this.#options.unackedMax / 2) this.#setFull(false);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    while (this.#pending.length > 0 && this.#inFlight.size < batchesInFlightMax) this.#sendBatch();
  };

  #sendBatch(): void {
    const { batchMax, send } = this.#options;
    const records = this.#pending;
    this.#pending = records.length > batchMax ? records.splice(batchMax) : [];
    this.#batches += 1;
    this.#sent += records.length;
    const later = this.#waiting.findIndex(({ record }) => record > this.#sent);
    const waiting = this.#waiting.splice(0, later === -1 ? this.#waiting.length : later);
    this.#inFlight.set(this.#batches, { count: records.length, waiting });
    const isAwaited = waiting.length > 0 && ({ isAwaited: true } as const);
    send({ kind: 'records', batch: this.#batches, rows: toRows(records), ...isAwaited });
  }

  #setFull(isFull: boolean): void {
    this.#isFull = isFull;
    this.#options.onFull(isFull);
  }
}
