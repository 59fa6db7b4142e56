/** What lies before the window of the log: a window of its own around a seq, read once it is asked for. */
import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
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

export interface PastWindowOptions {
  readonly api: Pick<Api, 'get'>;
  /** Changes with each status that is read. */
  readonly status: ReadonlySignal<unknown>;
}

export class PastWindow implements Disposable {
  /** Why it could not be read, such as that it is past its retention. */
  readonly problem: Signal<Problem | null> = signal(null);
  readonly #api: PastWindowOptions['api'];
  readonly #timeline: Signal<Timeline | null> = signal(null);
  readonly #unwatch: () => void;
  /** The window whose past this is: one that was begun anew may be of another log, project or caller. */
  #live: Timeline | null = null;
  #wanted: number | null = null;
  /** Whether what failed is to be read once more. */
  #isDue = false;
  #isReading = false;
  #reading = new AbortController();

  constructor({ api, status }: PastWindowOptions) {
    this.#api = api;
    // Whoever answers again is asked again, at the next drawing.
    this.#unwatch = effect(() => {
      void status.value;
      this.#isDue = !this.#isReading && mayPass(this.problem.peek());
    });
  }

  [Symbol.dispose](): void {
    this.#unwatch();
    this.#reading.abort();
  }

  /** The window that holds the state at seq; the live one until another has been read. */
  windowAt(seq: number | null, live: Timeline): Timeline {
    const past = this.#timeline.value;
    if (seq === null || past === null || holds(live, seq)) return live;
    return this.#live === live && holds(past, seq) ? past : live;
  }

  /** Reads what is missing to show the state at seq. */
  async prepare(seq: number | null, live: Timeline): Promise<void> {
    if (this.#live !== live) {
      this.#live = live;
      this.#timeline.value = null;
      this.#want(null);
    }
    if (live.events.length === 0) return;
    const past = this.#timeline.peek();
    const isHeld = seq === null || holds(live, seq) || (past !== null && holds(past, seq));
    if (isHeld) {
      if (this.#wanted !== null) this.#want(null);
      return;
    }
    if (this.#wanted === seq && !this.#isDue) return;
    const signal = this.#want(seq);
    try {
      const timeline = await this.#read(seq, signal);
      if (signal.aborted) return;
      this.#timeline.value = timeline;
      this.problem.value = null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CallFailure)) throw error;
      this.problem.value = error.problem;
    } finally {
      // What was given up has another in its place, or nothing.
      if (!signal.aborted) this.#isReading = false;
    }
  }

  /** What is read for another seq is given up, and so is why that failed. */
  #want(seq: number | null): AbortSignal {
    this.#reading.abort();
    this.#reading = new AbortController();
    if (this.#wanted !== seq) this.problem.value = null;
    this.#wanted = seq;
    this.#isDue = false;
    this.#isReading = seq !== null;
    return this.#reading.signal;
  }

  async #read(seq: number, signal: AbortSignal): Promise<Timeline> {
    try {
      return await this.#readAfter(Math.max(0, seq - halfSize), seq, signal);
    } catch (error) {
      const oldestSeq = oldestSeqOf((error as Partial<CallFailure>).problem);
      if (oldestSeq === null || seq < oldestSeq - 1) throw error;
      // Retention has taken what comes before it, and the seq itself is kept.
      return await this.#readAfter(oldestSeq - 1, seq, signal);
    }
  }

  async #readAfter(afterSeq: number, seq: number, signal: AbortSignal): Promise<Timeline> {
    const timeline = new Timeline();
    let pageToken: string | undefined;
    while (timeline.headSeq < seq + halfSize) {
      const query = { order: 'asc', afterSeq, pageSize, pageToken };
      const page: EventPage = await this.#api.get('/v1/events', query, signal);
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

/** The oldest seq that is kept, where what was wanted lies before it; null where it says none, as of another log. */
export function oldestSeqOf(problem: Problem | null | undefined): number | null {
  if (problem?.code !== 'cursor_expired' || problem.why) return null;
  return (problem.oldestSeq as number | undefined) ?? null;
}

/** What is past its retention, or refused for good, stays so. */
function mayPass(problem: Problem | null): boolean {
  return (
    problem !== null && (problem.status === 0 || problem.status === 429 || problem.status >= 500)
  );
}
