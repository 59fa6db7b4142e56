/**
 * A listener that lives as long as this process: it is deleted at the end, and its time is renewed until then, so that one
 * whose holder was killed is gone soon. Each renewal is an event, a line of the log and an entry of the audit, so that they
 * grow rare as it is held longer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CommandFailure, Refused } from './failure.ts';
import { randomName } from './random-name.ts';
import type { Listener, RestClient, Status } from './rest-client.ts';

export const leaseMsDefault = 120_000;
const leaseMsMax = 3_600_000;
/** A lease is renewed when half of it is over, and in such parts of it again where that fails. */
const retriesPerLease = 8;
const namesTriedMax = 5;

/** It outlives its holder by no longer than it was held, and by `leaseMs` where that was short. */
export function leaseMsAfter(heldMs: number, leaseMs = leaseMsDefault): number {
  return Math.max(leaseMs, Math.min(Math.floor(heldMs), leaseMsMax));
}

export function renewalMsOf(leaseMs: number): number {
  return leaseMs / 2;
}

export interface HoldOptions {
  readonly client: RestClient;
  /** Of POST /v1/listeners. One with a time of its own is not renewed. */
  readonly body: Readonly<Record<string, unknown>>;
  /** It stays when this process ends. */
  readonly isKept?: boolean;
  /** The first lease, and the shortest. */
  readonly leaseMs?: number;
  readonly say: (text: string) => void;
}

export class HeldListener implements AsyncDisposable {
  readonly listener: Listener;
  /** As it was before it was made. */
  readonly before: Status;
  readonly #options: HoldOptions;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #isClosed = false;
  #isDraining = false;

  static async open(options: HoldOptions): Promise<HeldListener> {
    const { client, body, isKept = false, leaseMs = leaseMsDefault } = options;
    const before = await client.get<Status>('/v1/status');
    const isRenewed = !isKept && body.ttlMs === undefined;
    const spec = isRenewed ? { ...body, ttlMs: leaseMs } : body;
    const listener = await create(client, spec);
    return new HeldListener(listener, before, options, isRenewed ? leaseMs : null);
  }

  private constructor(
    listener: Listener,
    before: Status,
    options: HoldOptions,
    leaseMs: number | null,
  ) {
    this.listener = listener;
    this.before = before;
    this.#options = options;
    this.#renewing = leaseMs === null ? Promise.resolve() : this.#renew(leaseMs);
  }

  async #renew(leaseMsMin: number): Promise<void> {
    const { client, say } = this.#options;
    const { signal } = this.#stop;
    const begunMs = performance.now();
    const silenceMs = leaseMsMin / retriesPerLease;
    let leaseMs = leaseMsMin;
    let waitMs = renewalMsOf(leaseMs);
    for (;;) {
      try {
        await delay(waitMs, undefined, { signal });
        const body = { ttlMs: leaseMsAfter(performance.now() - begunMs, leaseMsMin) };
        await client.call('PATCH', this.#path, { body, signal, silenceMs });
        leaseMs = body.ttlMs;
        waitMs = renewalMsOf(leaseMs);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof CommandFailure)) throw error;
        // It is closed already, which its log tells.
        if (error instanceof Refused && !error.isPassing) return;
        say(`kodama: the listener could not be renewed: ${error.message}`);
        waitMs = leaseMs / retriesPerLease;
      }
    }
  }

  get #path(): string {
    return `/v1/listeners/${this.listener.id}`;
  }

  /** It is closed only once its node is back, which was away, or slow, when that was asked for. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Its port is free then, unless it drains. One that is closed already is none the worse for it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stop.abort();
    await this.#renewing;
    if (this.#options.isKept === true) return;
    this.#isDraining = !(await this.#options.client.delete(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Under a name that is drawn where none is given. */
async function create(
  client: RestClient,
  body: Readonly<Record<string, unknown>>,
): Promise<Listener> {
  for (let tried = 1; ; tried += 1) {
    const named = body.name === undefined ? { name: randomName(), ...body } : body;
    try {
      return await client.call<Listener>('POST', '/v1/listeners', { body: named });
    } catch (error) {
      const isTaken = error instanceof Refused && error.problem.code === 'already_exists';
      if (!isTaken || body.name !== undefined || tried === namesTriedMax) throw error;
    }
  }
}
