/** Counts the events that match, for who waits for them; a refusal that stands for many is one event. */
import type { Event } from './event.ts';
import {
  type EventFilter,
  type EventSelection,
  eventDiffers,
  eventMatcher,
  everyEvent,
  selectionOf,
} from './event-filter.ts';
import type { ListenerEnds } from './listener-ends.ts';
import { eventBytes } from './sizes.ts';
import type { Log } from './store.ts';
import { type Near, nearLookedAt, nearMax, type Tally, waitCountMax } from './wait.ts';

interface EventTallyOptions {
  readonly filter: EventFilter;
  readonly afterSeq: number;
  readonly store: { readonly log: Log };
  readonly ends: ListenerEnds;
  /** Of those that are shown. */
  readonly itemsMax: number;
  readonly bytesMax: number;
}

export class EventTally implements Tally {
  readonly selection: EventSelection;
  readonly isGauge = false;
  readonly mustLook = false;
  readonly #options: EventTallyOptions;
  readonly #isMatch: (event: Event) => boolean;
  readonly #first: Event[] = [];
  #bytes = 0;
  #count = 0;

  constructor(options: EventTallyOptions) {
    const { filter, ends } = options;
    const { listenerIds, types } = filter;
    this.#options = options;
    this.#isMatch = eventMatcher(filter);
    // The end of a listener is no event of a connection or an address that may be asked for.
    const withEnds = {
      ...everyEvent,
      ...{ listenerIds, types: types.length === 0 ? [] : [...types, ...ends.types] },
    };
    this.selection = selectionOf(ends.types.length === 0 ? filter : withEnds);
  }

  get count(): number {
    return Math.min(this.#count, waitCountMax);
  }

  get hasMore(): boolean {
    return this.#count > waitCountMax;
  }

  get isOver(): boolean {
    return this.#options.ends.areAll;
  }

  /** The log tells all of it. */
  async look(): Promise<void> {}

  async prepare(): Promise<void> {}

  take(event: Event): void {
    const { ends, itemsMax, bytesMax } = this.#options;
    ends.take(event);
    if (!this.#isMatch(event)) return;
    this.#count += 1;
    if (this.#first.length === itemsMax || this.#bytes >= bytesMax) return;
    this.#first.push(event);
    this.#bytes += eventBytes(event);
  }

  /** The oldest of those that count. */
  async items(): Promise<readonly Event[]> {
    return this.#first;
  }

  /** The newest of the same listeners that do not count. */
  async near(): Promise<readonly Near<Event>[]> {
    const { filter, afterSeq, store, bytesMax } = this.#options;
    const { listenerIds } = filter;
    const { events } = await store.log.readBack({
      ...{ beforeSeq: Number.MAX_SAFE_INTEGER, limit: nearLookedAt, bytesMax },
      filter: { ...everyEvent, listenerIds },
    });
    return events
      .map((item) => {
        const early = item.seq > afterSeq ? [] : [`afterSeq: ${item.seq}, not above ${afterSeq}`];
        return { item, differs: [...early, ...eventDiffers(item, filter)] };
      })
      .filter((one) => one.differs.length > 0)
      .slice(0, nearMax);
  }
}
