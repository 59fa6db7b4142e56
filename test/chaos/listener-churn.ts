/** Listeners that come and go through the API, and what it confirmed of them. */
import { call, type Reply, type RestApi } from '../support/rest-client.ts';
import type { Random } from './random.ts';

export interface ConfirmedListener {
  readonly id: string;
  readonly port: number;
}

export interface ListenerChurnOptions {
  readonly recording: 'batched' | 'durable';
  readonly listenersMax: number;
}

/** What the API may answer when something is away, beside what was asked for. */
const refusals = new Set([503]);

export class ListenerChurn {
  /** By id: what a 201 told, until a delete was asked for. */
  readonly confirmed = new Map<string, ConfirmedListener>();
  /** A delete without a 204 may or may not have happened. */
  readonly doubtful = new Map<string, ConfirmedListener>();
  readonly deleted = new Map<string, ConfirmedListener>();
  readonly faults: string[] = [];
  /** Creates that were never answered: each may stand. */
  unanswered = 0;
  refused = 0;
  slowestMs = 0;
  readonly #target: RestApi;
  readonly #random: Random;
  readonly #options: ListenerChurnOptions;

  constructor(target: RestApi, random: Random, options: ListenerChurnOptions) {
    this.#target = target;
    this.#random = random;
    this.#options = options;
  }

  any(random: Random): ConfirmedListener | null {
    const confirmed = [...this.confirmed.values()];
    return confirmed.length === 0 ? null : random.pick(confirmed);
  }

  async make(): Promise<void> {
    const { recording } = this.#options;
    const reply = await this.#call('POST', '/v1/listeners', 201, { recording });
    if (reply === null) this.unanswered += 1;
    else if (reply.status === 201) {
      const { id, laddr } = reply.body;
      this.confirmed.set(id, { id, port: laddr.port });
    }
  }

  async #remove(): Promise<void> {
    const listener = this.#random.pick([...this.confirmed.values()]);
    this.confirmed.delete(listener.id);
    const reply = await this.#call('DELETE', `/v1/listeners/${listener.id}`, 204);
    const isDeleted = reply?.status === 204;
    (isDeleted ? this.deleted : this.doubtful).set(listener.id, listener);
  }

  /** Null where no answer came: the control plane was killed. */
  async #call(method: string, path: string, wanted: number, body?: object): Promise<Reply | null> {
    const begun = performance.now();
    try {
      const reply = await call(this.#target, method, path, body);
      if (refusals.has(reply.status)) {
        this.refused += 1;
        if (!reply.headers.has('retry-after'))
          this.faults.push(`${method} 503 without retry-after`);
      } else if (reply.status !== wanted) {
        this.faults.push(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
      }
      return reply;
    } catch (error) {
      const isHung = error instanceof DOMException && error.name === 'TimeoutError';
      if (isHung) this.faults.push(`${method} ${path} got no answer at all`);
      return null;
    } finally {
      this.slowestMs = Math.max(this.slowestMs, Math.round(performance.now() - begun));
    }
  }

  async churnUntil(isOver: () => boolean): Promise<void> {
    const { listenersMax } = this.#options;
    while (!isOver()) {
      await new Promise((next) => setTimeout(next, this.#random.between(50, 400)));
      const { size } = this.confirmed;
      if (size > 1 && (size >= listenersMax || this.#random.next() < 0.3)) await this.#remove();
      else await this.make();
    }
  }
}
