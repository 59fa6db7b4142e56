/**
 * One fault at work in one connection: it takes bytes and hands them on to the stage behind it.
 *
 * - Bytes that are not owned are good during the call only: who holds them copies, who hands them straight on does not.
 * - A finish takes the same way as the bytes. After a fault's own finish nothing that comes behind it counts.
 * - A stage can give up what it holds, in order, and keep what it has counted: where its place in the list changes.
 * - What comes while the turn's time is over waits in front of it.
 */
import type { Alarm } from './alarm.ts';
import { type CloseMode, type Finish, HeldItems, type Item } from './held-items.ts';
import { HeldTally } from './held-tally.ts';
import type { PacedRate } from './paced-rate.ts';

/** A fault that was chosen for a connection. The same object is the same fault, whose stage and state stay. */
export interface ActiveFault<Effect = { readonly type: string }> {
  readonly fault: Effect & { readonly probability: number };
  /** Next number of the fault's own run for this connection: 0 to 1, without 1. */
  readonly random: () => number;
  /** The rate that it has in common with the listener's other connections; null where it has its own. */
  readonly sharedRate: PacedRate | null;
}

/** Where a stage hands on to. */
export interface Link {
  enter(bytes: Buffer, isOwned: boolean): void;
  /** A banner: bytes that no client sent. */
  speak(bytes: Buffer): void;
  finish(how: Finish): void;
}

/** What the pipeline is to its stages. */
export interface StageContext {
  readonly kind: 'stream' | 'datagram';
  /** What all stages hold, with what it costs to hold it. */
  readonly held: HeldTally;
  createAlarm(onRing: () => void): Alarm;
  /** There is time in this turn of the loop for one more step. */
  hasTime(): boolean;
  /** What was left for want of time goes on in the next turn, by `goOn` of each stage. */
  later(): void;
  /** The stages behind this one hold no more than they may: else it goes on when they have let go of some. */
  hasRoomBehind(stage: Stage): boolean;
  /** Ends the connection now, whatever is held. */
  closeNow(mode: CloseMode): void;
}

export abstract class Stage implements Link {
  readonly active: ActiveFault;
  /** What it holds, and what waits in front of it. */
  readonly held: HeldTally;
  protected readonly context: StageContext;
  readonly #sparedChance: number;
  #inbox: HeldItems | null = null;
  next: Link;

  constructor(active: ActiveFault, context: StageContext, next: Link) {
    this.active = active;
    this.context = context;
    this.held = new HeldTally(context.held);
    this.next = next;
    // A connection was drawn when it was accepted; a datagram is drawn here.
    this.#sparedChance = context.kind === 'datagram' ? 1 - active.fault.probability : 0;
  }

  enter(bytes: Buffer, isOwned: boolean): void {
    if (this.#inbox?.head === undefined && this.context.hasTime()) this.#admit(bytes, isOwned);
    else {
      this.#wait(bytes, isOwned);
      this.context.later();
    }
  }

  #admit(bytes: Buffer, isOwned: boolean): void {
    const isSpared = this.#sparedChance > 0 && this.active.random() < this.#sparedChance;
    if (isSpared) this.next.enter(bytes, isOwned);
    else this.take(bytes, isOwned);
  }

  protected abstract take(bytes: Buffer, isOwned: boolean): void;

  speak(bytes: Buffer): void {
    this.enter(bytes, true);
  }

  finish(how: Finish): void {
    if (this.#inbox?.head === undefined) this.takeFinish(how);
    else this.#wait(how, true);
  }

  #wait(item: Item, isOwned: boolean): void {
    this.#inbox ??= new HeldItems(this.held);
    this.#inbox.add(item, isOwned);
  }

  protected takeFinish(how: Finish): void {
    this.next.finish(how);
  }

  /** Goes on with what was left for want of time or room. */
  goOn(): void {
    const inbox = this.#inbox;
    if (inbox === null) return;
    for (let head = inbox.head; head !== undefined; head = inbox.head) {
      if (typeof head === 'string') {
        inbox.shift();
        this.takeFinish(head);
      } else if (this.context.hasTime()) {
        inbox.shift();
        this.#admit(head, true);
      } else {
        this.context.later();
        return;
      }
    }
  }

  protected handOn(item: Item): void {
    if (typeof item === 'string') this.next.finish(item);
    else this.next.enter(item, true);
  }

  /** The connection is open, since a time on the alarms' clock. */
  start(_acceptedAt: number): void {}

  /** The fault comes to a connection that is already under way. */
  join(acceptedAt: number): void {
    this.start(acceptedAt);
  }

  /** True while the client must not be read from. */
  get isStalling(): boolean {
    return false;
  }

  /** All that it holds and that waits in front of it, in order; more of it where the fault goes. */
  giveUp(isGoing: boolean): readonly Item[] {
    return [...(isGoing ? this.leave() : this.drain()), ...(this.#inbox?.drain() ?? [])];
  }

  /** Gives up the bytes that it holds, in order, and what ends them; stays ready for more. */
  protected drain(): readonly Item[] {
    return [];
  }

  /** The fault goes: gives up all that it holds, in order. */
  protected leave(): readonly Item[] {
    return this.drain();
  }

  /** No timer is left, and nothing goes on from here. */
  destroy(): void {
    this.giveUp(true);
    this.next = nowhere;
  }
}

const nowhere: Link = { enter() {}, speak() {}, finish() {} };
