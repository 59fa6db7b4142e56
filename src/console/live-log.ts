/** What the page knows: how the node is, what its lists told, and the window of its log, followed for as long as it is shown. */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { ConnectionView, ListenerView, StatusView } from '../http/resources.ts';
import { type Api, CallFailure, type Problem, type Query } from './api.ts';
import { browserPace, type DrawPace } from './draw-pace.ts';
import { followLog, type LogItem } from './log-stream.ts';
import { Timeline, timelineLimits } from './timeline.ts';

interface ConnectionPage {
  readonly connections: readonly ConnectionView[];
  readonly nextPageToken?: string;
}

interface ListenerPage {
  readonly listeners: readonly ListenerView[];
  readonly nextPageToken?: string;
}

export type Link = 'connecting' | 'following' | 'waiting';

export const windowSize = 10_000;
const pageSize = 1000;
/** Of open connections: those beyond are counted, and not named. */
const pagesMax = 10;
const refreshMs = 5000;

export class LiveLog implements Disposable {
  readonly status: Signal<StatusView | null> = signal(null);
  readonly link: Signal<Link> = signal('connecting');
  /** Whether the listeners have been read, so that one that is not there is none. */
  readonly isListed: Signal<boolean> = signal(false);
  /** Whether there are listeners that no list has told here: the newest alone are read again and again. */
  readonly hasMoreListeners = signal(false);
  /** Why the page can not go on, or has to wait. */
  readonly problem: Signal<Problem | null> = signal(null);
  /** Whether the URL's project is none, or none of this key: whatever else is asked for here is there. */
  readonly isProjectLost: ReadonlySignal<boolean>;
  /** The oldest seq that is kept, where events were lost to the retention while nobody followed. */
  readonly expiredBelow: Signal<number | null> = signal(null);
  /** Whether another version answers than the one that this page came from. */
  readonly isOutdated = signal(false);
  /** Changes at each drawing: who reads it is drawn anew. */
  readonly drawing: ReadonlySignal<number>;
  readonly #drawing = signal(0);
  readonly #api: Api;
  readonly #pace: DrawPace;
  readonly #end = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #unwatch: () => void;
  #run = new AbortController();
  #timeline = new Timeline();
  #isRefreshing = false;
  /** Whether what opened before the window has been read; null while it is being read. */
  #isOpenListed: boolean | null = false;

  constructor(api: Api, project: ReadonlySignal<string | null>) {
    this.#api = api;
    this.drawing = this.#drawing;
    this.isProjectLost = computed(() => project.value !== null && isOfProject(this.problem.value));
    this.#pace = browserPace(() => {
      this.#drawing.value++;
    });
    this.#timer = setInterval(() => void this.#refreshShown(), refreshMs);
    // Another key or project is another log.
    this.#unwatch = effect(() => {
      void [api.session.value, project.value];
      this.#restart();
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#end.abort();
    this.#run.abort();
  }

  /** It grows in its place: who reads it is drawn anew at each drawing. */
  get timeline(): Timeline {
    void this.#drawing.value;
    return this.#timeline;
  }

  /** Has what somebody else has put into the timeline drawn. */
  draw(): void {
    this.#pace.ask();
  }

  /** Status and listeners anew, such as after a change that was asked for here. */
  async refresh(): Promise<void> {
    if (this.#isRefreshing || this.#api.isKeyWanted.value) return;
    this.#isRefreshing = true;
    const { signal } = this.#run;
    try {
      const status = await this.#api.get<StatusView>('/v1/status', {}, signal);
      const before = this.status.value;
      this.isOutdated.value ||= before !== null && before.version !== status.version;
      this.status.value = status;
      const page: ListenerPage = await this.#api.get('/v1/listeners', { pageSize }, signal);
      this.#timeline.knowListeners(page.listeners);
      this.hasMoreListeners.value = page.nextPageToken !== undefined;
      this.isListed.value = true;
      if (this.link.value === 'following') this.problem.value = null;
      this.#pace.ask();
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#isRefreshing = false;
    }
  }

  async #refreshShown(): Promise<void> {
    if (document.visibilityState !== 'visible') return;
    const isMissing = this.#isOpenListed === false && this.link.value === 'following';
    await (isMissing ? this.#readLists(this.#run.signal) : this.refresh());
  }

  #restart(): void {
    this.#run.abort();
    this.#run = new AbortController();
    this.#startAnew();
    this.expiredBelow.value = null;
    this.link.value = 'connecting';
    this.problem.value = null;
    this.#pace.ask();
    if (!this.#api.isKeyWanted.peek()) void this.#follow(this.#run.signal);
  }

  #startAnew(): void {
    this.#timeline = new Timeline();
    this.isListed.value = false;
    this.#isOpenListed = false;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      const items = followLog({
        open: (start, cut) => this.#open(start, cut),
        start: { last: windowSize },
        head: async (given) => (await this.#api.get<StatusView>('/v1/status', {}, given)).headSeq,
        backlogMax: timelineLimits.eventsMax,
        signal,
        shown: (given) => visibility('visible', given),
        hidden: (given) => visibility('hidden', given),
        delay,
      });
      for await (const item of items) this.#take(item, signal);
    } catch (error) {
      this.link.value = 'waiting';
      this.#tell(error);
    }
  }

  async #open(start: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const accept = 'application/x-ndjson';
    const { body } = await this.#api.send('GET', '/v1/events', { query: start, accept, signal });
    if (body === null) throw new TypeError('a stream without a body');
    return body;
  }

  #take(item: LogItem, signal: AbortSignal): void {
    switch (item.kind) {
      case 'events':
        this.#timeline.append(item.events, item.seq);
        break;
      case 'synced':
        this.#timeline.append([], item.seq);
        // Who is told that this is live sees what is.
        this.#drawing.value++;
        this.link.value = 'following';
        this.problem.value = null;
        void this.#readLists(signal);
        break;
      case 'waiting':
        this.link.value = 'waiting';
        this.problem.value = item.problem;
        break;
      case 'expired':
        this.expiredBelow.value = item.oldestSeq;
        this.#startAnew();
        break;
      case 'behind':
        this.#startAnew();
        break;
    }
    this.#pace.ask();
  }

  /** What opened before the window is in no event of it. */
  async #readLists(signal: AbortSignal): Promise<void> {
    await this.refresh();
    if (this.#isOpenListed !== false) return;
    this.#isOpenListed = null;
    const timeline = this.#timeline;
    let isListed = false;
    try {
      for (const state of ['half_closed', 'open']) await this.#readOpen(state, signal);
      isListed = true;
    } catch (error) {
      this.#tell(error);
    }
    // Of one that was begun anew meanwhile nothing is known yet.
    if (this.#timeline === timeline) this.#isOpenListed = isListed;
  }

  async #readOpen(state: string, signal: AbortSignal): Promise<void> {
    let pageToken: string | undefined;
    for (let page = 1; page <= pagesMax; page++) {
      const query = { state, pageSize, pageToken };
      const answer: ConnectionPage = await this.#api.get('/v1/connections', query, signal);
      pageToken = answer.nextPageToken;
      this.#timeline.know(answer.connections, page === pagesMax && pageToken !== undefined);
      this.#pace.ask();
      if (pageToken === undefined) return;
    }
  }

  #tell(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    if (!(error instanceof CallFailure)) throw error;
    this.problem.value = error.problem;
  }
}

function isOfProject(problem: Problem | null): boolean {
  if (problem?.code === 'not_found') return true;
  return problem?.errors?.some(({ path }) => path === 'kodama-project') === true;
}

/** Resolves once the page is as wished, or `signal` aborts. */
function visibility(state: DocumentVisibilityState, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState !== state && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
