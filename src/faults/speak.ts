/** The server breaks a silence: it speaks after so long without a byte either way, and then after as long again, or longer. */
import { type Alarm, monotonicMs } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds } from './fields.ts';
import { copyOf, type Finish, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const speechBytesMax = 65_536;

const fields = {
  text: {
    kind: 'text',
    bytesMax: speechBytesMax,
    otherwise: 'base64',
    isOptional: true,
    about: 'Sent as UTF-8.',
  },
  base64: {
    kind: 'base64',
    bytesMax: speechBytesMax,
    isOptional: true,
    about: 'Sent as the bytes that it stands for.',
  },
  // What a connection can be made to send without being asked stays far below what it can be asked for.
  afterIdleMs: { ...milliseconds, min: 10, about: 'Milliseconds without a byte either way.' },
  growth: {
    kind: 'whole_number',
    min: 1,
    max: 1000,
    default: 1,
    about: 'So many times longer is each silence than the one before.',
  },
  maxIdleMs: {
    ...milliseconds,
    min: 10,
    isOptional: true,
    about: 'No silence is longer than that.',
  },
  times: {
    kind: 'whole_number',
    min: 1,
    max: 1e9,
    isOptional: true,
    about: 'How often it speaks.',
  },
} as const satisfies Fields;

type Speak = EffectOf<'speak', typeof fields>;

export const speak = {
  type: 'speak',
  about: 'The server speaks into a silence: exactly one of text and base64.',
  // Whoever a forged datagram names as its source would hear of it again and again.
  on: ['stream'],
  fields,
  exactlyOneOf: ['text', 'base64'],
  createStage: (active, context, next) => new SpeakStage(active, context, next),
  actsUnasked: () => true,
} as const satisfies FaultDefinition<Speak>;

class SpeakStage extends Stage {
  readonly #fault: Speak;
  readonly #alarm: Alarm;
  #idleMs: number;
  #left: number;
  #lastAt = 0;

  constructor(active: ActiveFault<Speak>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#fault = active.fault;
    this.#idleMs = this.#bounded(active.fault.afterIdleMs);
    this.#left = active.fault.times ?? Number.POSITIVE_INFINITY;
    this.#alarm = context.createAlarm(() => this.#onSilence());
  }

  override start(acceptedAt: number): void {
    this.#lastAt = acceptedAt;
    this.#listen();
  }

  /** What was before is not its silence. */
  override join(): void {
    this.start(monotonicMs());
  }

  #listen(): void {
    if (this.#left > 0) this.#alarm.set(this.#lastAt + this.#idleMs);
  }

  /** Bytes only tell the time: that is less work for each of them than an alarm that is set anew. */
  #onSilence(): void {
    const isSilent = monotonicMs() - this.#lastAt >= this.#idleMs;
    // A client that takes nothing is told no more: it is asked again after another silence.
    if (isSilent && this.context.hasRoomBehind(this)) this.#speak();
    else if (isSilent) this.#lastAt = monotonicMs();
    this.#listen();
  }

  #speak(): void {
    const { text, base64, growth } = this.#fault;
    this.#left -= 1;
    this.#lastAt = monotonicMs();
    this.#idleMs = this.#bounded(this.#idleMs * growth);
    const said = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
    this.next.speak(copyOf(said));
  }

  #bounded(idleMs: number): number {
    return Math.min(idleMs, this.#fault.maxIdleMs ?? milliseconds.max);
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    this.#lastAt = monotonicMs();
    this.next.enter(bytes, isOwned);
  }

  /** Nothing is said behind an end. */
  protected override takeFinish(how: Finish): void {
    this.#alarm.clear();
    this.#left = 0;
    this.next.finish(how);
  }

  protected override leave(): readonly Item[] {
    this.#alarm.clear();
    return super.leave();
  }
}
