/** Bytes come back no faster, or in small pieces. */
import type { Fault } from '../../core/fault.ts';
import { type Alarm, monotonicMs } from './alarm.ts';
import { type Finish, HeldItems, type Item } from './held-items.ts';
import { PacedRate } from './paced-rate.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

/** A timer cannot wait for less. */
const timerStepMs = 1;

/** Streams go in pieces of the rate's quantum, datagrams whole. */
export class BandwidthStage extends Stage {
  readonly #rate: PacedRate;
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  /** What the rate lets through next, and when. */
  #turn: { readonly bytes: number; readonly due: number } | null = null;

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'bandwidth' },
  ) {
    super(active, context, next);
    this.#rate = active.sharedRate ?? new PacedRate(fault.bytesPerSecond);
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

/** A piece never joins bytes of two reads. */
export class SliceStage extends Stage {
  readonly #fault: Fault & { readonly type: 'slice' };
  readonly #items: HeldItems;
  readonly #alarm: Alarm;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'slice' },
  ) {
    super(active, context, next);
    this.#fault = fault;
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
