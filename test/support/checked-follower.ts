/**
 * A reader of a stream that holds every item against what was really committed: each matching event once, in
 * order, none left out, none that is not committed; `synced` once and in its place.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../src/core/event.ts';
import { eventMatcher } from '../../src/core/event-filter.ts';
import type { EventLog } from '../../src/core/event-log.ts';
import { type FollowRequest, follow, type StreamItem } from '../../src/core/follow.ts';
import type { ProjectStore } from '../../src/core/store.ts';
import type { MemoryDatabase } from './memory-database.ts';

export interface CheckedFollowerOptions extends Omit<FollowRequest, 'signal'> {
  readonly log: EventLog;
  readonly store: Pick<ProjectStore, 'log'>;
  readonly database: MemoryDatabase;
  readonly pageEventsMax: number;
  /** It leaves after this many items; null: never. */
  readonly itemsMax: number | null;
  /** Waited for after each item: a slow reader. */
  readonly pause: () => Promise<void>;
}

export class CheckedFollower {
  readonly items: StreamItem[] = [];
  readonly ended: Promise<void>;
  /** What it was ended with; null when it was not ended with an error. */
  error: unknown = null;
  isEnded = false;
  /** Where it stands: past what the filter left out too. */
  position = 0;
  /** Where a successor would resume. */
  seq: number | null = null;
  readonly #options: CheckedFollowerOptions;
  readonly #stop = new AbortController();
  /** Where the backlog ends, at least and at most: between the call and the first item. */
  readonly #headAtStart: number;
  #backlogMax: number;

  constructor(options: CheckedFollowerOptions) {
    this.#options = options;
    this.#headAtStart = options.log.headSeq;
    this.#backlogMax = this.#headAtStart;
    this.ended = this.#run().then(
      () => {
        this.isEnded = true;
      },
      (error: unknown) => {
        this.isEnded = true;
        this.error = error;
      },
    );
  }

  /** The seq that it stands behind for certain before its first item; 0 where that is for the store to say. */
  get startSeq(): number {
    const { start } = this.#options;
    if (this.#isFromNow) return this.#headAtStart;
    return start.kind === 'after_seq' ? start.seq : 0;
  }

  get #isFromNow(): boolean {
    const { start } = this.#options;
    return start.kind === 'from_now' || (start.kind === 'last' && start.count === 0);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get events(): readonly Event[] {
    return this.items.flatMap((item) => (item.kind === 'events' ? item.events : []));
  }

  get syncedCount(): number {
    return this.items.filter((item) => item.kind === 'synced').length;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #run(): Promise<void> {
    const onSeq = (seq: number) => {
      if (seq < this.position) throw new Error(`went back from ${this.position} to ${seq}`);
      this.position = seq;
    };
    for await (const item of follow({ ...this.#options, signal: this.signal, onSeq })) {
      this.#check(item);
      this.items.push(item);
      this.seq = item.seq;
      if (this.items.length === this.#options.itemsMax) break;
      await this.#options.pause();
    }
  }

  #check(item: StreamItem): void {
    const { database, filter, endAtHead, start, log } = this.#options;
    if (this.items.length === 0 && start.kind !== 'from_now') this.#backlogMax = log.headSeq;
    const fail = (why: string) => {
      throw new Error(`${why}: ${JSON.stringify({ ...item, events: seqs(eventsOf(item)) })}`);
    };
    const given = eventsOf(item);
    const matching = database.history.filter(eventMatcher(filter));
    const wanted = matching.filter(({ seq }) => seq <= item.seq && this.#isWanted(seq));
    const isAtLeast = this.seq === null ? !this.#isExact : this.seq === 0;
    const expected = isAtLeast ? matching.filter(({ seq }) => isWithin(seq, given, item)) : wanted;
    if (!isDeepStrictEqual(given, expected)) fail(`expected ${seqs(expected)}`);
    if (wanted.length > given.length) fail(`left out some of ${seqs(wanted)}`);
    if (item.seq > database.history.length) fail('stands above the head');
    if (item.kind === 'events' && given.length === 0) fail('an item of no events');
    const isSynced = this.syncedCount > 0;
    if (item.kind === 'synced' && isSynced) fail('synced twice');
    if (isSynced && endAtHead) fail('went on after the head');
    if (!isSynced && item.seq > this.#backlogMax) fail('live events before synced');
    if (item.kind === 'synced' && item.seq < this.#headAtStart) fail('synced before the head');
  }

  /** Whether its first events can be told from its start alone. */
  get #isExact(): boolean {
    const { start } = this.#options;
    return this.#isFromNow || (start.kind === 'after_seq' && start.seq > 0);
  }

  /** Whether an event that matches must come in the next item, when it is not above that item's seq. */
  #isWanted(seq: number): boolean {
    const { start, database, filter } = this.#options;
    const isKept = seq >= database.bounds.oldestSeq;
    // At 0 it stands before the oldest event, whichever that is.
    if (this.seq !== null) return seq > this.seq && (this.seq > 0 || isKept);
    switch (start.kind) {
      case 'from_now':
        return seq > this.#headAtStart;
      case 'after_seq':
        return start.seq > 0 ? seq > start.seq : isKept;
      case 'since':
        return isKept && (database.history[seq - 1]?.time ?? 0) >= start.time;
      case 'last': {
        if (this.#isFromNow) return seq > this.#headAtStart;
        // More may have come before the store was asked.
        const first = database.history.filter(eventMatcher(filter)).at(-start.count);
        return isKept && seq >= (first?.seq ?? 0);
      }
    }
  }

  /** What it has still to see; null when it has seen all, or was ended. */
  lacks(): string | null {
    const { database, filter } = this.#options;
    if (this.isEnded) return null;
    if (this.syncedCount !== 1) return `synced ${this.syncedCount} times`;
    if (this.position < database.history.length) return `stands at ${this.position}`;
    const missed = database.history
      .filter(eventMatcher(filter))
      .filter(({ seq }) => this.#isWanted(seq));
    return missed.length === 0 ? null : `did not see ${seqs(missed)}`;
  }
}

function eventsOf(item: StreamItem): readonly Event[] {
  return item.kind === 'events' ? item.events : [];
}

function isWithin(seq: number, given: readonly Event[], item: StreamItem): boolean {
  const [first] = given;
  return first !== undefined && seq >= first.seq && seq <= item.seq;
}

function seqs(events: readonly Event[]): string {
  return `[${events.map(({ seq }) => seq).join(' ')}]`;
}
