/** Closes a listener when its time is over, and tries again until that is done. */
import { lookMsMax } from './clock.ts';
import { hasCode } from './errors.ts';
import { isExpired } from './listener.ts';
import type { ListenerEntry } from './listener-set.ts';
import type { Clock, Logger } from './ports.ts';
import type { Micros } from './time.ts';

const retryMs = 5000;

export interface ListenerExpiryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where that is still its time. */
  readonly expire: (id: string, expiresAt: Micros) => Promise<void>;
}

export class ListenerExpiry {
  readonly #options: ListenerExpiryOptions;

  constructor(options: ListenerExpiryOptions) {
    this.#options = options;
  }

  /** Takes the place of what was scheduled for it before. */
  schedule(entry: ListenerEntry): void {
    if (entry.expiry !== null) clearTimeout(entry.expiry);
    entry.expiry = null;
    const { expiresAt } = entry.listener;
    if (expiresAt === null) return;
    const { clock } = this.#options;
    const look = () => {
      if (isExpired(entry.listener, clock.now())) this.#expire(entry, expiresAt);
      else this.schedule(entry);
    };
    const remainingMs = Math.max(0, Math.ceil((expiresAt - clock.now()) / 1000));
    entry.expiry = setTimeout(look, Math.min(remainingMs, lookMsMax)).unref();
  }

  #expire(entry: ListenerEntry, expiresAt: Micros): void {
    const { expire, logger } = this.#options;
    const { id } = entry.listener;
    expire(id, expiresAt).catch((err: unknown) => {
      if (hasCode(err, 'not_found')) return;
      logger.warn({ err, listenerId: id }, 'a listener could not expire; trying again');
      entry.expiry = setTimeout(() => this.#expire(entry, expiresAt), retryMs).unref();
    });
  }
}
