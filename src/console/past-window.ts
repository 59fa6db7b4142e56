/** What lies before the window of the log: a window of its own around a seq, read once it is asked for. */
import { type Signal, signal } from '@preact/signals';
import type { EventView } from '../http/resources.ts';
import { type Api, CallFailure, type Problem } from './api.ts';
import { Timeline } from './timeline.ts';

/** Events on either side of the seq. */
const halfSize = 5000;
const pageSize = 1000;

interface EventPage {
  readonly events: readonly EventView[];
  readonly nextPageToken?: string;
}

export class PastWindow {
  readonly #api: Api;
  readonly #timeline: Signal<Timeline | null> = signal(null);
  /** Why it could not be read, such as that it is past its retention. */
  readonly problem: Signal<Problem | null> = signal(null);
  #wanted = -1;

  constructor(api: Api) {
    this.#api = api;
  }

  /** The window that holds the state at seq; the live one until another has been read. */
  windowAt(seq: number | null, live: Timeline): Timeline {
    const past = this.#timeline.value;
    if (seq === null || past === null || holds(live, seq)) return live;
    return holds(past, seq) ? past : live;
  }

  /** Reads what is missing to show the state at seq. */
  async prepare(seq: number | null, live: Timeline): Promise<void> {
    if (seq === null || live.events.length === 0 || holds(live, seq)) return;
    const past = this.#timeline.peek();
    if (this.#wanted === seq || (past !== null && holds(past, seq))) return;
    this.#wanted = seq;
    this.problem.value = null;
    try {
      const timeline = await this.#read(seq);
      if (this.#wanted === seq) this.#timeline.value = timeline;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      this.problem.value = error.problem;
    }
  }

  async #read(seq: number): Promise<Timeline> {
    const timeline = new Timeline();
    const afterSeq = Math.max(0, seq - halfSize);
    let pageToken: string | undefined;
    while (timeline.headSeq < seq + halfSize) {
      const query = { order: 'asc', afterSeq, pageSize, pageToken };
      const page: EventPage = await this.#api.get('/v1/events', query);
      const { events } = page;
      timeline.append(events, events.at(-1)?.seq ?? timeline.headSeq);
      pageToken = page.nextPageToken;
      if (pageToken === undefined) break;
    }
    return timeline;
  }
}

/** Before the first event of the log there is a state, too. */
function holds({ firstSeq, headSeq }: Timeline, seq: number): boolean {
  return seq >= firstSeq - 1 && seq <= headSeq;
}
