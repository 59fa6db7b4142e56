/**
 * Learns of other nodes' appends: woken by LISTEN/NOTIFY, and by a slow look at the head, since a notification
 * may be lost with its connection. https://www.postgresql.org/docs/current/sql-notify.html
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Logger } from '../core/ports.ts';
import type { ForeignAppends } from '../core/store.ts';
import { notifyChannel } from './append-statement.ts';
import type { Database } from './database.ts';
import { readBounds } from './event-reader.ts';

export interface ForeignAppendsOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly pollMs: number;
  /** The node's own number in notifications; null before it has one. */
  readonly ownNode: () => number | null;
}

const goodbyeMs = 500;

export class PostgresForeignAppends implements ForeignAppends, AsyncDisposable {
  readonly #options: ForeignAppendsOptions;
  readonly #callbacks = new Set<(headSeq: number) => void>();
  readonly #stop = new AbortController();
  #running: Promise<unknown> | null = null;

  constructor(options: ForeignAppendsOptions) {
    this.#options = options;
  }

  on(callback: (headSeq: number) => void): () => void {
    // A callback may be given twice: each time it is another subscription.
    const own = (headSeq: number) => callback(headSeq);
    this.#callbacks.add(own);
    this.#running ??= Promise.all([this.#listen(), this.#poll()]);
    return () => this.#callbacks.delete(own);
  }

  async #poll(): Promise<void> {
    const { database, log } = this.#options;
    while (await this.#pause()) {
      try {
        this.#tell((await readBounds(database)).headSeq);
      } catch (err) {
        log.debug({ err }, 'could not look at the head of the log');
      }
    }
  }

  async #listen(): Promise<void> {
    do {
      try {
        await this.#listenOnce();
      } catch (err) {
        this.#options.log.debug({ err }, 'could not listen for appends; polling meanwhile');
      }
    } while (await this.#pause());
  }

  /** Resolves when the connection is lost, or at the end. */
  async #listenOnce(): Promise<void> {
    const client = this.#options.database.client('kodama listen');
    const lost = lossOf(client, this.#stop.signal);
    client.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${notifyChannel}`);
      // What was appended before the LISTEN took hold.
      this.#tell((await readBounds(this.#options.database)).headSeq);
      await lost;
    } finally {
      // A server that hangs never answers the goodbye.
      await Promise.race([client.end().catch(() => undefined), delay(goodbyeMs)]);
    }
  }

  #heard(payload: string): void {
    const [node, headSeq] = payload.split(':').map(Number);
    if (headSeq !== undefined && node !== this.#options.ownNode()) this.#tell(headSeq);
  }

  #tell(headSeq: number): void {
    for (const callback of this.#callbacks) callback(headSeq);
  }

  /** False at the end. */
  async #pause(): Promise<boolean> {
    const { signal } = this.#stop;
    return await delay(this.#options.pollMs, true, { signal }).catch(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#callbacks.clear();
    this.#stop.abort();
    await this.#running;
  }
}

function lossOf(client: Client, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => resolve();
    client.once('end', done);
    client.on('error', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
