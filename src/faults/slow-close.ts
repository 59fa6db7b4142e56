import { type Alarm, monotonicMs } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds } from './fields.ts';
import type { Finish, Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  delayMs: { ...milliseconds, about: 'Milliseconds.' },
} as const satisfies Fields;

type SlowClose = EffectOf<'slow_close', typeof fields>;

export const slowClose = {
  type: 'slow_close',
  about: "Answers the client's FIN late.",
  on: ['stream'],
  fields,
  createStage: (active, context, next) => new SlowCloseStage(active, context, next),
} as const satisfies FaultDefinition<SlowClose>;

/** The client's FIN is answered late, from the time when all before it has passed. */
class SlowCloseStage extends Stage {
  readonly #delayMs: number;
  readonly #alarm: Alarm;
  #kept: Item[] = [];

  constructor(active: ActiveFault<SlowClose>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#delayMs = active.fault.delayMs;
    this.#alarm = context.createAlarm(() => this.next.finish('end'));
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    this.next.enter(bytes, isOwned);
  }

  protected override takeFinish(how: Finish): void {
    if (how !== 'end') {
      this.next.finish(how);
      return;
    }
    this.#kept = [how];
    this.#alarm.set(monotonicMs() + this.#delayMs);
  }

  protected override leave(): readonly Item[] {
    this.#alarm.clear();
    return this.#kept.splice(0);
  }
}
