/** Fills the rows of the table: the first page of the list, older ones as they are scrolled to, and the counters of the newest. */
import { type Signal, signal } from '@preact/signals';
import type { ConnectionView } from '../http/resources.ts';
import { type Api, CallFailure, type Problem } from './api.ts';
import { type ConnectionFilter, connectionTest, refusalTest } from './connection-filter.ts';
import { ConnectionRows } from './connection-rows.ts';
import { findListener } from './listener-lookup.ts';
import type { Timeline } from './timeline.ts';

interface ConnectionPage {
  readonly connections: readonly ConnectionView[];
  readonly nextPageToken?: string;
}

export interface ConnectionFeedOptions {
  readonly api: Api;
  readonly filter: ConnectionFilter;
  readonly timeline: Timeline;
  /** Something has come. */
  readonly onChange: () => void;
}

const firstPageSize = 200;
const pageSize = 1000;
/** The counters of open connections are on record within so long. */
const refreshMs = 3000;
const refreshSize = 100;

export class ConnectionFeed implements Disposable {
  readonly problem: Signal<Problem | null> = signal(null);
  readonly filter: ConnectionFilter;
  /** Null until the first page is there. */
  rows: ConnectionRows | null = null;
  readonly #options: ConnectionFeedOptions;
  readonly #end = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #pageToken: string | undefined;
  /** Who has the name of the filter; null where nobody does. */
  #listenerId: string | null = null;
  #isReading = false;

  constructor(options: ConnectionFeedOptions) {
    this.#options = options;
    this.filter = options.filter;
    this.#timer = setInterval(() => void this.#refresh(), refreshMs);
    void this.#read(() => this.#start());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  /** Whether older ones can be read. */
  get hasMore(): boolean {
    return this.rows === null || (this.#pageToken !== undefined && !this.rows.isFull);
  }

  /** The next page of older ones, unless one is on its way. */
  async more(): Promise<void> {
    const { rows } = this;
    // Whoever was refused is not asked again at each scroll: the next look at the newest tells whether it can be.
    if (rows === null || !this.hasMore || this.problem.value !== null) return;
    await this.#read(async () => {
      const page = await this.#page(pageSize, this.#pageToken);
      this.#pageToken = page.nextPageToken;
      rows.addPage(page.connections, page.nextPageToken === undefined);
    });
  }

  async #start(): Promise<void> {
    const { filter, timeline } = this.#options;
    const listenerId = await this.#findListener();
    const page = await this.#page(firstPageSize);
    const { state: _, closeReason: __, ...ofArrival } = filter;
    const rows = new ConnectionRows({
      isKept: connectionTest(ofArrival, listenerId),
      isWanted: connectionTest(filter, listenerId),
      isRefusalWanted: refusalTest(filter, listenerId),
      timeline,
    });
    this.#pageToken = page.nextPageToken;
    rows.addPage(page.connections, page.nextPageToken === undefined);
    this.rows = rows;
    this.#listenerId = listenerId;
  }

  async #findListener(): Promise<string | null> {
    const { listener } = this.filter;
    if (listener === undefined) return null;
    return (await findListener(this.#options.api, listener, this.#end.signal))?.id ?? null;
  }

  async #refresh(): Promise<void> {
    const { rows } = this;
    if (document.visibilityState === 'hidden') return;
    await this.#read(async () => {
      // A name may be another listener's by now, whose connections are not of these rows.
      if (rows === null || (await this.#findListener()) !== this.#listenerId) await this.#start();
      else rows.refresh((await this.#page(refreshSize)).connections);
    });
  }

  async #page(size: number, pageToken?: string): Promise<ConnectionPage> {
    const query = { ...this.filter, pageSize: size, pageToken };
    return await this.#options.api.get('/v1/connections', query, this.#end.signal);
  }

  async #read(read: () => Promise<void>): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      await read();
      this.problem.value = null;
    } catch (error) {
      if (this.#end.signal.aborted) return;
      if (!(error instanceof CallFailure)) throw error;
      this.problem.value = error.problem;
    } finally {
      this.#isReading = false;
    }
    if (!this.#end.signal.aborted) this.#options.onChange();
  }
}
