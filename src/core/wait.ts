/**
 * Waits until the record holds what a caller expects of it, and fails as soon as it can hold that no more.
 *
 * - By level: it counts what is there, and takes the log from that very seq on. What was before the call counts.
 * - Only what is committed counts. It is judged where the log is known as far as all that was looked at.
 * - It changes nothing, and keeps a bounded number of ids: whoever lost its answer asks again.
 */
import type { Event } from './event.ts';
import type { EventSelection } from './event-filter.ts';
import type { EventLog } from './event-log.ts';
import type { Log } from './store.ts';

/** No condition is about more, and no more are counted. */
export const waitCountMax = 1000;

export interface WaitRule {
  readonly min: number;
  readonly max: number | null;
  /** So long it must have held, as the call has seen it. */
  readonly settleMs: number;
  readonly timeoutMs: number;
}

/** What is counted. */
export interface Tally {
  /** What it must be shown of the log. */
  readonly selection: EventSelection;
  /** At least so many; waitCountMax at most. */
  readonly count: number;
  /** There are, or have been when it looked, more than it keeps. */
  readonly hasMore: boolean;
  /** Whether the count may fall. */
  readonly isGauge: boolean;
  /** Nothing that it counts can come any more. */
  readonly isOver: boolean;
  /** Whether the log alone does not tell how it goes on: then it must look again. */
  readonly mustLook: boolean;
  /** Counts what is on record; what the log tells of it may come again. */
  look(): Promise<void>;
  /** Before the events of a page are taken. */
  prepare(events: readonly Event[]): Promise<void>;
  take(event: Event): void;
}

/** Why a wait ended without what it waited for. `over`: nobody can come any more. */
export type NotMetWhy = 'timeout' | 'exceeded' | 'over';

/** What does not count, though it might have been meant: in which fields it is not what was asked for. */
export interface Near<Item> {
  readonly item: Item;
  readonly differs: readonly string[];
}

/** So many are told of so many that are looked at. */
export const nearMax = 10;
export const nearLookedAt = 100;

export interface WaitOutcome {
  readonly why: NotMetWhy | 'met';
  /** Where the log stood: what counted lies up to it. */
  readonly seq: number;
}

/** As it is told: one above waitCountMax stands for any number. */
export function toldCount({ count, hasMore }: Pick<Tally, 'count' | 'hasMore'>): number {
  return hasMore ? waitCountMax + 1 : count;
}

interface Waiting {
  readonly tally: Tally;
  readonly rule: WaitRule;
  readonly log: EventLog;
  readonly store: { readonly log: Log };
  /** The seq from which the log is taken. */
  readonly from: number;
  readonly pageEventsMax: number;
  readonly signal: AbortSignal;
  readonly onSeq: (seq: number) => void;
}

const lookMs = 1000;
/** Looking takes a small part of the time, however much there is to look at. */
const lookShare = 20;

/** @throws what the signal was aborted with, cursor_expired, unavailable, and what the tally throws */
export async function wait(waiting: Waiting): Promise<WaitOutcome> {
  const { tally, rule, log, store, signal, onSeq, pageEventsMax } = waiting;
  using _ = log.followed();
  let seq = waiting.from;
  let throughSeq = 0;
  let nextLook = 0;
  const look = async () => {
    const begin = performance.now();
    await tally.look();
    // All that was seen is committed up to here.
    throughSeq = (await store.log.readBounds()).headSeq;
    await log.learn(throughSeq);
    const end = performance.now();
    nextLook = end + Math.max(lookMs, lookShare * (end - begin));
  };
  await look();
  const judge = new Judge(tally, rule);
  for (;;) {
    signal.throwIfAborted();
    const page = await log.read(seq, pageEventsMax, tally.selection);
    await tally.prepare(page.events);
    for (const event of page.events) {
      tally.take(event);
      if (event.seq >= throughSeq) judge.note();
    }
    // What comes on top of too many changes nothing.
    seq = !tally.isGauge && tally.hasMore ? log.headSeq : page.throughSeq;
    onSeq(seq);
    if (seq < throughSeq) continue;
    const why = judge.verdict(seq >= log.headSeq);
    if (why !== null) return { why, seq };
    if (seq < log.headSeq) continue;
    const lookInMs = tally.mustLook ? nextLook - performance.now() : Number.POSITIVE_INFINITY;
    if (lookInMs <= 0) await look();
    else await log.changed(seq, Math.min(judge.restMs, lookInMs), signal);
  }
}

/** Whether the condition holds, since when, and for how long it is waited for. */
class Judge {
  readonly #tally: Tally;
  readonly #rule: WaitRule;
  #deadline: number | null = null;
  #heldSince: number | null = null;

  constructor(tally: Tally, rule: WaitRule) {
    this.#tally = tally;
    this.#rule = rule;
  }

  note(): void {
    const { min, max } = this.#rule;
    const { count, hasMore } = this.#tally;
    const holds = count >= min && (max === null || (count <= max && !hasMore));
    this.#heldSince = holds ? (this.#heldSince ?? performance.now()) : null;
  }

  /** Null: it is still to be seen. What is met where the log goes on may be broken there already. */
  verdict(isAtHead: boolean): WaitOutcome['why'] | null {
    this.note();
    const { isGauge, isOver, count, hasMore } = this.#tally;
    const { max, settleMs, timeoutMs } = this.#rule;
    const now = performance.now();
    // From here on, so that whoever looks once has looked, however long that takes.
    this.#deadline ??= now + timeoutMs;
    const isLate = now >= this.#deadline;
    const since = this.#heldSince;
    if (since !== null && now - since >= settleMs && (isAtHead || isLate)) return 'met';
    if (!isGauge && max !== null && (count > max || hasMore)) return 'exceeded';
    if (isAtHead && isOver && since === null) return 'over';
    return isLate ? 'timeout' : null;
  }

  /** Until something is due. */
  get restMs(): number {
    const { settleMs } = this.#rule;
    const settled =
      this.#heldSince === null ? Number.POSITIVE_INFINITY : this.#heldSince + settleMs;
    return Math.max(0, Math.min(settled, this.#deadline ?? 0) - performance.now());
  }
}
