/** The records of one session: in a row, so many frames at once, acknowledged in their order. */
import type { NodeSession } from '../fleet/admission.ts';
import type { FrameOf, NodeFrame } from '../wire/frames.ts';
import { type RowLimits, readRows } from '../wire/record-frames.ts';
import { WireError } from '../wire/wire-error.ts';

export interface RecordIntakeOptions {
  readonly session: Pick<NodeSession, 'onRecords'>;
  readonly limits: RowLimits & { readonly recordFramesMax: number };
  /** All up to this number are on record. */
  readonly onCommitted: (through: number) => void;
  readonly onFailure: (error: unknown) => void;
}

interface Batch {
  readonly last: number;
  isCommitted: boolean;
}

export class RecordIntake {
  readonly #options: RecordIntakeOptions;
  #batches: Batch[] = [];
  /** Null before the first frame: where that begins is the agent's to say. */
  #next: number | null = null;

  constructor(options: RecordIntakeOptions) {
    this.#options = options;
  }

  /** How many they are. @throws WireError */
  take({ first, rows, isAwaited }: FrameOf<NodeFrame, 'records'>): number {
    const { session, limits, onFailure } = this.#options;
    if (this.#next !== null && first !== this.#next) {
      throw new WireError(`records: number ${first} comes where ${this.#next} is next`);
    }
    if (this.#batches.length >= limits.recordFramesMax) {
      throw new WireError(`records: more than ${limits.recordFramesMax} frames at once`);
    }
    const records = readRows(rows, limits);
    this.#next = first + records.length;
    const batch = { last: this.#next - 1, isCommitted: false };
    this.#batches.push(batch);
    session.onRecords(first, records, isAwaited).then(() => this.#committed(batch), onFailure);
    return records.length;
  }

  #committed(batch: Batch): void {
    batch.isCommitted = true;
    const left = this.#batches.findIndex(({ isCommitted }) => !isCommitted);
    const done = this.#batches.splice(0, left === -1 ? this.#batches.length : left);
    const last = done.at(-1);
    if (last !== undefined) this.#options.onCommitted(last.last);
  }
}
