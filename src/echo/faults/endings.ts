/** Faults that end the echo or the connection, or keep its end back. */
import type { CloseMode, Fault } from '../../core/fault.ts';
import { type Alarm, monotonicMs } from './alarm.ts';
import { type Finish, HeldItems, type Item } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

/** So many bytes pass, counted where it stands; a datagram passes whole or not at all. */
export class LimitStage extends Stage {
  readonly #action: 'fin' | 'rst' | 'blackhole';
  #left: number;
  #hasActed = false;
  /** The client's FIN, which a black hole keeps. */
  #kept: Item[] = [];

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'limit' },
  ) {
    super(active, context, next);
    this.#action = fault.action;
    this.#left = fault.bytes;
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

/**
 * Stands in front of all others, since it counts what is read. What was read before it goes back behind the other
 * faults, then it closes; at a time it closes at once.
 */
export class CloseStage extends Stage {
  readonly #mode: CloseMode;
  readonly #afterMs: number | undefined;
  readonly #alarm: Alarm;
  #bytesLeft: number;
  #messagesLeft: number;
  #hasClosed = false;

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'close' },
  ) {
    super(active, context, next);
    this.#mode = fault.mode;
    this.#afterMs = fault.afterMs;
    this.#bytesLeft = fault.afterBytes ?? Number.POSITIVE_INFINITY;
    this.#messagesLeft = fault.afterMessages ?? Number.POSITIVE_INFINITY;
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

/** Nothing comes back, not even FIN. A fault that closes the connection still does. */
export class BlackholeStage extends Stage {
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
export class StallStage extends Stage {
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

/** The client's FIN is answered late, from the time when all before it has passed. */
export class SlowCloseStage extends Stage {
  readonly #delayMs: number;
  readonly #alarm: Alarm;
  #kept: Item[] = [];

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'slow_close' },
  ) {
    super(active, context, next);
    this.#delayMs = fault.delayMs;
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
