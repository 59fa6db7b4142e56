/**
 * The time of a replica that has no echo sockets of its own: the database's, so that all of them go by one, whatever their
 * hosts have. Between two looks it goes on evenly, so also while the database is away; where that was set, it follows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonic } from '../core/clock.ts';
import { hasCode } from '../core/errors.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { SessionRows } from './store.ts';

export interface DatabaseTimeOptions {
  readonly everyMs: number;
  readonly logger: Logger;
}

type Rows = Pick<SessionRows, 'time'>;

export class DatabaseTime implements Clock, AsyncDisposable {
  readonly #options: DatabaseTimeOptions;
  readonly #stop = new AbortController();
  /** The time less the monotonic clock. */
  #offset: Micros | null = null;
  #following: Promise<void> | null = null;

  constructor(options: DatabaseTimeOptions) {
    this.#options = options;
  }

  /** Resolves when it is known. @throws unavailable */
  async start(rows: Rows): Promise<void> {
    await this.#look(rows);
    this.#following = this.#follow(rows);
  }

  now(): Micros {
    if (this.#offset === null) throw new TypeError('the time is not known yet');
    return monotonic() + this.#offset;
  }

  async #follow(rows: Rows): Promise<void> {
    const { everyMs, logger } = this.#options;
    const { signal } = this.#stop;
    while (await delay(everyMs, true, { signal, ref: false }).catch(() => false)) {
      try {
        await this.#look(rows);
      } catch (err) {
        if (!hasCode(err, 'unavailable')) logger.error({ err }, 'could not read the time');
      }
    }
  }

  /** It is older by the way that it took: what is known already is kept as far as it may be right. */
  async #look(rows: Rows): Promise<void> {
    const askedAt = monotonic();
    const time = await rows.time();
    const [least, most] = [time - monotonic(), time - askedAt];
    this.#offset = Math.min(Math.max(this.#offset ?? least, least), most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }
}
