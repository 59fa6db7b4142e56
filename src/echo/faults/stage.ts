/**
 * One fault at work in one connection: it takes bytes and hands them on to the stage behind it.
 *
 * - Bytes that are not owned are good during the call only: who holds them copies, who hands them straight on does not.
 * - A finish takes the same way as the bytes. After a fault's own finish nothing that comes behind it counts.
 * - A stage can give up what it holds, in order, and keep what it has counted: where its place in the list changes.
 */
import type { CloseMode } from '../../core/fault.ts';
import type { Alarm } from './alarm.ts';
import type { ActiveFault } from './fault-pipeline.ts';

/** How it ends: the client's own FIN, to be answered, or a fault's doing. */
export type Finish = 'end' | CloseMode;

/** What a stage may hold. */
export type Item = Buffer | Finish;

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
  readonly held: { bytes: number };
  createAlarm(onRing: () => void): Alarm;
  /** Ends the connection now, whatever is held. */
  closeNow(mode: CloseMode): void;
}

export abstract class Stage implements Link {
  readonly active: ActiveFault;
  protected readonly context: StageContext;
  readonly #sparedChance: number;
  next: Link;

  constructor(active: ActiveFault, context: StageContext, next: Link) {
    this.active = active;
    this.context = context;
    this.next = next;
    // A connection was drawn when it was accepted; a datagram is drawn here.
    this.#sparedChance = context.kind === 'datagram' ? 1 - active.fault.probability : 0;
  }

  enter(bytes: Buffer, isOwned: boolean): void {
    const isSpared = this.#sparedChance > 0 && this.active.random() < this.#sparedChance;
    if (isSpared) this.next.enter(bytes, isOwned);
    else this.take(bytes, isOwned);
  }

  protected abstract take(bytes: Buffer, isOwned: boolean): void;

  speak(bytes: Buffer): void {
    this.enter(bytes, true);
  }

  finish(how: Finish): void {
    this.next.finish(how);
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

  /** Gives up the bytes that it holds, in order, and what ends them; stays ready for more. */
  drain(): readonly Item[] {
    return [];
  }

  /** The fault goes: gives up all that it holds, in order. */
  leave(): readonly Item[] {
    return this.drain();
  }

  /** No timer is left, and nothing goes on from here. */
  destroy(): void {
    this.leave();
    this.next = nowhere;
  }
}

const nowhere: Link = { enter() {}, speak() {}, finish() {} };
