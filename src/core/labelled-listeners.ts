/**
 * The listeners that carry some labels, as the log goes on. A reader that knows them all at one seq, and is shown every
 * event after it, knows them at any later seq: each change of a listener is an event that holds its labels.
 */
import type { StreamBounds } from './bounded-stream.ts';
import type { Event } from './event.ts';
import { type EventFilter, eventMatcher } from './event-filter.ts';
import type { FollowRequest, Watch } from './follow.ts';
import {
  carries,
  chooseEvents,
  type EventAsk,
  hasLabels,
  type ListenerChoice,
  type ListenerLookup,
} from './listener-choice.ts';

export class LabelledListeners {
  readonly #labels: ListenerChoice['labels'];
  readonly #ids: Set<string>;
  readonly #isWanted: (event: Event) => boolean;

  /** `ids` are those at the start; `filter` is all else that is asked for. */
  constructor(options: {
    readonly labels: ListenerChoice['labels'];
    readonly ids: readonly string[];
    readonly filter: EventFilter;
  }) {
    this.#labels = options.labels;
    this.#ids = new Set(options.ids);
    this.#isWanted = eventMatcher(options.filter);
  }

  /** Takes every event of the log, each once, in order. */
  matches(event: Event): boolean {
    const wasOne = this.#ids.has(event.listenerId);
    const isOne = 'listener' in event ? this.#follow(event.listener) : wasOne;
    // The change that takes a label away is the last that is shown.
    return (wasOne || isOne) && this.#isWanted(event);
  }

  #follow(listener: { id: string; state: string } & Pick<ListenerChoice, 'labels'>): boolean {
    const isOne = carries(listener, this.#labels);
    // Nothing comes after its end.
    if (isOne && listener.state !== 'closed') this.#ids.add(listener.id);
    else this.#ids.delete(listener.id);
    return isOne;
  }
}

/** As FollowRequest, with its listeners as the caller names them, and with the caller's signal. */
export type FollowAsk = Omit<FollowRequest, 'filter' | 'signal'> &
  StreamBounds & {
    readonly filter: EventAsk;
    /** Of which log the start is; null: of any. */
    readonly log: string | null;
  };

/** What a stream is to read, and for labels how it goes on. @throws what chooseEvents throws */
export async function streamFilter(
  store: ListenerLookup,
  asked: EventAsk,
  labelledMax: number,
): Promise<{ readonly filter: EventFilter; readonly watch?: () => Promise<Watch> }> {
  const choose = () => chooseEvents(store, asked, labelledMax);
  const { labels } = asked;
  const { filter } = await choose();
  if (!hasLabels({ labels })) return { filter };
  return {
    filter,
    watch: async () => {
      const now = await choose();
      const { listenerIds: ids } = now.filter;
      return {
        filter: now.filter,
        listeners: new LabelledListeners({ labels, ids, filter: now.named }),
      };
    },
  };
}
