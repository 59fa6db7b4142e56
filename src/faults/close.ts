import type { Alarm } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { bytesMax, type EffectOf, type Fields, milliseconds } from './fields.ts';
import type { CloseMode, Finish } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  afterMs: { ...milliseconds, isOptional: true, about: 'Milliseconds since accept.' },
  afterBytes: {
    kind: 'whole_number',
    min: 1,
    max: bytesMax,
    isOptional: true,
    about: 'Bytes read.',
  },
  afterMessages: {
    kind: 'whole_number',
    min: 1,
    max: 1e9,
    isOptional: true,
    about: 'Reads that brought bytes.',
  },
  mode: {
    kind: 'word',
    words: ['fin', 'rst', 'half_close'],
    default: 'fin',
    about: 'half_close: FIN, and go on reading.',
  },
} as const satisfies Fields;

type Close = EffectOf<'close', typeof fields>;

export const close = {
  type: 'close',
  about: 'Closes, after exactly one of afterMs, afterBytes and afterMessages.',
  on: ['stream'],
  fields,
  exactlyOneOf: ['afterMs', 'afterBytes', 'afterMessages'],
  createStage: (active, context, next) => new CloseStage(active, context, next),
  countsReads: true,
  actsUnasked: ({ afterMs }) => afterMs !== undefined,
} as const satisfies FaultDefinition<Close>;

/**
 * The stage stands in front of all others, since it counts what is read. What was read before goes back behind the
 * other faults, then the connection is closed; one that closes at a time does so at once.
 */
class CloseStage extends Stage {
  readonly #mode: CloseMode;
  readonly #afterMs: number | undefined;
  readonly #alarm: Alarm;
  #bytesLeft: number;
  #messagesLeft: number;
  #hasClosed = false;

  constructor(active: ActiveFault<Close>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#mode = active.fault.mode;
    this.#afterMs = active.fault.afterMs;
    this.#bytesLeft = active.fault.afterBytes ?? Number.POSITIVE_INFINITY;
    this.#messagesLeft = active.fault.afterMessages ?? Number.POSITIVE_INFINITY;
    this.#alarm = context.createAlarm(() => context.closeNow(this.#mode));
  }

  override start(acceptedAt: number): void {
    if (this.#afterMs !== undefined) this.#alarm.set(acceptedAt + this.#afterMs);
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    if (this.#hasClosed) return;
    const passing = bytes.subarray(0, this.#bytesLeft);
    this.#bytesLeft -= passing.length;
    this.#messagesLeft -= 1;
    this.next.enter(passing, isOwned);
    if (this.#bytesLeft > 0 && this.#messagesLeft > 0) return;
    this.#hasClosed = true;
    this.next.finish(this.#mode);
  }

  protected override takeFinish(how: Finish): void {
    if (!this.#hasClosed) this.next.finish(how);
  }

  override destroy(): void {
    super.destroy();
    this.#alarm.clear();
  }
}
