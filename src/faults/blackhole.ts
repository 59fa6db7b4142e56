import type { FaultDefinition } from './fault-definition.ts';
import type { EffectOf, Fields } from './fields.ts';
import { type Finish, HeldItems, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  how: {
    kind: 'word',
    words: ['drop', 'stall'],
    default: 'drop',
    about: 'drop: read and forget. stall: do not read.',
  },
} as const satisfies Fields;

type Blackhole = EffectOf<'blackhole', typeof fields>;

export const blackhole = {
  type: 'blackhole',
  about: 'Nothing comes back.',
  on: ['stream', 'datagram'],
  fields,
  createStage: (active, context, next) => {
    // One socket serves all sessions of a UDP listener, so none of them can be left unread.
    const isStall = active.fault.how === 'stall' && context.kind === 'stream';
    return isStall
      ? new StallStage(active, context, next)
      : new BlackholeStage(active, context, next);
  },
  actsUnasked: ({ how }) => how === 'stall',
} as const satisfies FaultDefinition<Blackhole>;

/** Nothing comes back, not even FIN. A fault that closes the connection still does. */
class BlackholeStage extends Stage {
  /** The client's FIN, for when the fault goes. */
  #kept: Item[] = [];

  protected take(): void {}

  protected override takeFinish(how: Finish): void {
    if (how === 'end') this.#kept = [how];
    else this.next.finish(how);
  }

  protected override leave(): readonly Item[] {
    return this.#kept.splice(0);
  }
}

/** The client is not read from; what was on its way waits here. */
class StallStage extends Stage {
  readonly #items: HeldItems;

  constructor(active: ActiveFault, context: StageContext, next: Link) {
    super(active, context, next);
    this.#items = new HeldItems(this.held);
  }

  override get isStalling(): boolean {
    return true;
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    this.#items.add(bytes, isOwned);
  }

  protected override takeFinish(how: Finish): void {
    if (how === 'end') this.#items.add(how, true);
    else this.next.finish(how);
  }

  protected override drain(): readonly Item[] {
    return this.#items.drain();
  }
}
