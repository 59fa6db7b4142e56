import type { FaultDefinition } from './fault-definition.ts';
import { bytesMax, type EffectOf, type Fields } from './fields.ts';
import type { Finish, Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  bytes: { kind: 'whole_number', min: 0, max: bytesMax, about: 'Bytes that still come back.' },
  action: {
    kind: 'word',
    words: ['fin', 'rst', 'blackhole'],
    default: 'fin',
    about: 'What comes then.',
  },
} as const satisfies Fields;

type Limit = EffectOf<'limit', typeof fields>;

export const limit = {
  type: 'limit',
  about: 'Ends the echo after so many bytes.',
  on: ['stream', 'datagram'],
  fields,
  createStage: (active, context, next) => new LimitStage(active, context, next),
  actsUnasked: ({ bytes }) => bytes === 0,
} as const satisfies FaultDefinition<Limit>;

/** So many bytes pass, counted where it stands; a datagram passes whole or not at all. */
class LimitStage extends Stage {
  readonly #action: Limit['action'];
  #left: number;
  #hasActed = false;
  /** The client's FIN, which a black hole keeps. */
  #kept: Item[] = [];

  constructor(active: ActiveFault<Limit>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#action = active.fault.action;
    this.#left = active.fault.bytes;
  }

  override start(): void {
    if (this.#left === 0) this.#act();
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    if (this.#hasActed) return;
    const isWhole = this.context.kind === 'datagram' && bytes.length > this.#left;
    const passing = isWhole ? null : bytes.subarray(0, this.#left);
    this.#left -= passing?.length ?? this.#left;
    if (passing !== null) this.next.enter(passing, isOwned);
    if (this.#left === 0) this.#act();
  }

  #act(): void {
    this.#hasActed = true;
    if (this.#action !== 'blackhole') this.next.finish(this.#action);
  }

  protected override takeFinish(how: Finish): void {
    if (!this.#hasActed || (this.#action === 'blackhole' && how !== 'end')) this.next.finish(how);
    else if (this.#action === 'blackhole') this.#kept = [how];
  }

  protected override leave(): readonly Item[] {
    return this.#kept.splice(0);
  }
}
