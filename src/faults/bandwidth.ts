import { type Alarm, monotonicMs } from './alarm.ts';
import type { FaultDefinition } from './fault-definition.ts';
import type { EffectOf, Fields } from './fields.ts';
import { type Finish, HeldItems, type Item } from './held-items.ts';
import { PacedRate } from './paced-rate.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  bytesPerSecond: { kind: 'whole_number', min: 1, max: 1e12, about: 'In the long run.' },
  scope: {
    kind: 'word',
    words: ['connection', 'listener'],
    default: 'connection',
    about: 'Whether each connection has it, or all share it.',
  },
} as const satisfies Fields;

type Bandwidth = EffectOf<'bandwidth', typeof fields>;

export const bandwidth = {
  type: 'bandwidth',
  about: 'Bytes come back no faster.',
  on: ['stream', 'datagram'],
  fields,
  createStage: (active, context, next) => new BandwidthStage(active, context, next),
  holdsMs: ({ bytesPerSecond }, heldBytesMax) => (heldBytesMax / bytesPerSecond) * 1000,
  sharedRate: ({ bytesPerSecond, scope }, workers) =>
    scope === 'listener' ? new PacedRate(bytesPerSecond / workers) : null,
} as const satisfies FaultDefinition<Bandwidth>;

/** A timer cannot wait for less. */
const timerStepMs = 1;

/** Streams go in pieces of the rate's quantum, datagrams whole. */
class BandwidthStage extends Stage {
  readonly #rate: PacedRate;
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  /** What the rate lets through next, and when. */
  #turn: { readonly bytes: number; readonly due: number } | null = null;

  constructor(active: ActiveFault<Bandwidth>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#rate = active.sharedRate ?? new PacedRate(active.fault.bytesPerSecond);
    this.#items = new HeldItems(this.held);
    this.#alarm = context.createAlarm(() => this.#pass(this.#turn?.due ?? monotonicMs()));
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    this.#add(bytes, isOwned);
  }

  protected override takeFinish(how: Finish): void {
    this.#add(how, true);
  }

  #add(item: Item, isOwned: boolean): void {
    this.#items.add(item, isOwned);
    if (this.#turn === null) this.#pass(monotonicMs());
  }

  /** Hands on all whose turn it is; what waits has waited since then. */
  #pass(since: number): void {
    const now = monotonicMs();
    while (this.#items.head !== undefined) {
      const turn = this.#turn ?? this.#nextTurn(this.#items.head, since, now);
      this.#turn = turn;
      if (turn.due - now >= timerStepMs) {
        this.#alarm.set(turn.due);
        return;
      }
      const item = this.#items.shift(turn.bytes);
      this.#turn = null;
      if (item !== undefined) this.handOn(item);
    }
  }

  #nextTurn(head: Item, since: number, now: number): { bytes: number; due: number } {
    if (typeof head === 'string') return { bytes: 0, due: since };
    const isWhole = this.context.kind === 'datagram';
    const bytes = isWhole ? head.length : Math.min(head.length, this.#rate.quantumBytes);
    return { bytes, due: this.#rate.reserve(bytes, since, now) };
  }

  protected override drain(): readonly Item[] {
    this.#alarm.clear();
    if (this.#turn !== null) this.#rate.release(this.#turn.bytes);
    this.#turn = null;
    return this.#items.drain();
  }
}
