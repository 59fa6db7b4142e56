/** Bytes come back later. Those of a stream never overtake each other; datagrams may. */
import { type Alarm, monotonicMs } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, milliseconds } from './fields.ts';
import { copyOf, type Finish, type Item, itemCost } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  delayMs: { ...milliseconds, about: 'Milliseconds.' },
  jitterMs: { ...milliseconds, default: 0, about: 'How far the delay strays.' },
  distribution: {
    kind: 'word',
    words: ['uniform', 'normal', 'pareto'],
    default: 'uniform',
    about: 'How it strays.',
  },
} as const satisfies Fields;

type Latency = EffectOf<'latency', typeof fields>;

/** How far jitter strays: of each distribution all but one in thousands. */
const jittersMax = 16;

export const latency = {
  type: 'latency',
  about: 'Bytes come back later.',
  on: ['stream', 'datagram'],
  fields,
  createStage: (active, context, next) => new LatencyStage(active, context, next),
  holdsMs: ({ delayMs, jitterMs }) => delayMs + jittersMax * jitterMs,
} as const satisfies FaultDefinition<Latency>;

type Delay = Omit<Latency, 'type'>;

/** The shape that tc-netem(8) has, long in the tail yet with a mean and a deviation. */
const paretoShape = 3;
const paretoMean = paretoShape / (paretoShape - 1);
const paretoDeviation = Math.sqrt(paretoShape / (paretoShape - 2)) / (paretoShape - 1);

/**
 * Milliseconds, 0 or more: the delay, and the jitter times a number that the distribution draws. Uniform: −1 to 1.
 * Normal and pareto: mean 0, deviation 1.
 */
export function drawDelayMs(
  { delayMs, jitterMs, distribution }: Delay,
  random: () => number,
): number {
  if (jitterMs === 0) return delayMs;
  return Math.max(0, delayMs + jitterMs * drawDeviation(distribution, random));
}

function drawDeviation(distribution: Delay['distribution'], random: () => number): number {
  switch (distribution) {
    case 'uniform':
      return random() * 2 - 1;
    case 'normal':
      // Box and Muller's transform, of whose two numbers one is used.
      return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    case 'pareto':
      return ((1 - random()) ** (-1 / paretoShape) - paretoMean) / paretoDeviation;
  }
}

class LatencyStage extends Stage {
  readonly #delay: Delay;
  readonly #alarm: Alarm;
  /** By the time when each is due. */
  #waiting: { readonly due: number; readonly item: Item }[] = [];

  constructor(active: ActiveFault<Latency>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#delay = active.fault;
    this.#alarm = context.createAlarm(() => this.#pass());
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    const delayMs = drawDelayMs(this.#delay, this.active.random);
    if (delayMs === 0 && (this.context.kind === 'datagram' || this.#waiting.length === 0)) {
      this.next.enter(bytes, isOwned);
    } else {
      this.#hold(isOwned ? bytes : copyOf(bytes), delayMs);
    }
  }

  protected override takeFinish(how: Finish): void {
    this.#hold(how, drawDelayMs(this.#delay, this.active.random));
  }

  #hold(item: Item, delayMs: number): void {
    const waiting = this.#waiting;
    const last = waiting.at(-1)?.due ?? 0;
    const now = monotonicMs();
    const due = this.context.kind === 'stream' ? Math.max(last, now + delayMs) : now + delayMs;
    let place = waiting.length;
    while (place > 0 && (waiting[place - 1]?.due ?? 0) > due) place -= 1;
    waiting.splice(place, 0, { due, item });
    this.held.add(itemCost(item));
    if (place === 0) this.#alarm.set(due);
  }

  #pass(): void {
    const now = monotonicMs();
    let count = 0;
    while (count < this.#waiting.length && (this.#waiting[count]?.due ?? 0) <= now) count += 1;
    for (const { item } of this.#waiting.splice(0, count)) {
      this.held.add(-itemCost(item));
      this.handOn(item);
    }
    const first = this.#waiting[0];
    if (first !== undefined) this.#alarm.set(first.due);
  }

  protected override drain(): readonly Item[] {
    this.#alarm.clear();
    const items = this.#waiting.map(({ item }) => item);
    this.#waiting = [];
    for (const item of items) this.held.add(-itemCost(item));
    return items;
  }
}
