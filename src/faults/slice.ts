import { type Alarm, monotonicMs } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds, readBytesMax } from './fields.ts';
import { type Finish, HeldItems, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  averageBytes: { kind: 'whole_number', min: 1, max: readBytesMax, about: 'The size of a piece.' },
  variationBytes: {
    kind: 'whole_number',
    min: 0,
    max: readBytesMax,
    default: 0,
    about: 'How far the size strays.',
  },
  delayMs: { ...milliseconds, default: 0, about: 'Between two pieces.' },
} as const satisfies Fields;

type Slice = EffectOf<'slice', typeof fields>;

export const slice = {
  type: 'slice',
  about: 'Bytes come back in small pieces.',
  on: ['stream'],
  fields,
  createStage: (active, context, next) => new SliceStage(active, context, next),
} as const satisfies FaultDefinition<Slice>;

/** A piece never joins bytes of two reads. */
class SliceStage extends Stage {
  readonly #fault: Slice;
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(active: ActiveFault<Slice>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#fault = active.fault;
    this.#items = new HeldItems(this.held);
    this.#alarm = context.createAlarm(() => this.#pass());
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    this.#items.add(bytes, isOwned);
    this.#pass();
  }

  protected override takeFinish(how: Finish): void {
    this.#items.add(how, true);
    this.#pass();
  }

  #pieceBytes(): number {
    const { averageBytes, variationBytes } = this.#fault;
    if (variationBytes === 0) return averageBytes;
    const strayed = Math.floor(this.active.random() * (2 * variationBytes + 1)) - variationBytes;
    return Math.max(1, averageBytes + strayed);
  }

  #pass(): void {
    for (let head = this.#items.head; head !== undefined; head = this.#items.head) {
      if (typeof head === 'string') {
        this.#items.shift();
        this.handOn(head);
        continue;
      }
      if (!this.#mayCut()) return;
      const piece = this.#items.shift(this.#pieceBytes());
      if (piece !== undefined) this.handOn(piece);
    }
  }

  /** One read may become as many pieces as it has bytes: each takes time, and room where the next faults hold it. */
  #mayCut(): boolean {
    if (!this.context.hasRoomBehind(this)) return false;
    if (!this.context.hasTime()) {
      this.context.later();
      return false;
    }
    if (this.#fault.delayMs === 0) return true;
    const now = monotonicMs();
    if (now < this.#nextAt) {
      this.#alarm.set(this.#nextAt);
      return false;
    }
    this.#nextAt = now + this.#fault.delayMs;
    return true;
  }

  override goOn(): void {
    this.#pass();
    super.goOn();
  }

  protected override drain(): readonly Item[] {
    this.#alarm.clear();
    return this.#items.drain();
  }
}
