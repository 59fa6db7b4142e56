/** Listeners of the nodes of a fleet, which are made, changed and deleted through either replica, and what was confirmed. */
import { call, type Reply, type RestApi } from '../support/rest-client.ts';
import type { Random } from './random.ts';

export interface PlacedListener {
  readonly id: string;
  readonly port: number;
  readonly node: string;
  readonly recording: 'batched' | 'durable';
  /** What its label may be: more than one where a change was not answered. */
  marks: readonly string[];
}

const refusals = new Set([503]);
const label = 'mark';

export class FleetChurn {
  /** By id: what a 201 told, until a delete was asked for. */
  readonly confirmed = new Map<string, PlacedListener>();
  /** Deleted with a 204, or with a 202: those are closed once their node is back. */
  readonly deleted = new Map<string, PlacedListener>();
  /** A delete that was not answered may or may not have happened. */
  readonly doubtful = new Map<string, PlacedListener>();
  readonly faults: string[] = [];
  /** Creates without an answer, or with a 503 that leaves it open: each may stand. */
  unanswered = 0;
  refused = 0;
  /** Deletes that were accepted while the node was away. */
  accepted = 0;
  updated = 0;
  slowestMs = 0;
  /** Those that are not deleted. */
  readonly #spared = new Set<string>();
  readonly #apis: readonly RestApi[];
  readonly #random: Random;
  #marks = 0;

  /** One for each replica. */
  constructor(apis: readonly RestApi[], random: Random) {
    this.#apis = apis;
    this.#random = random;
  }

  any(random: Random): PlacedListener | null {
    const confirmed = [...this.confirmed.values()];
    return confirmed.length === 0 ? null : random.pick(confirmed);
  }

  onNode(node: string): readonly PlacedListener[] {
    return [...this.confirmed.values()].filter((one) => one.node === node);
  }

  spare(id: string): void {
    this.#spared.add(id);
  }

  async make(node: string): Promise<void> {
    const recording = this.#random.pick(['batched', 'batched', 'durable'] as const);
    const mark = this.#mark();
    const asked = { recording, placement: { node }, labels: { [label]: mark } };
    const reply = await this.#call('POST', '/v1/listeners', [201], asked);
    if (reply === null || reply.status !== 201) this.unanswered += 1;
    else {
      const { id, laddr } = reply.body;
      this.confirmed.set(id, { id, port: laddr.port, node, recording, marks: [mark] });
    }
  }

  async #change(): Promise<void> {
    const listener = this.#random.pick([...this.confirmed.values()]);
    const mark = this.#mark();
    const asked = { labels: { [label]: mark } };
    const reply = await this.#call('PATCH', `/v1/listeners/${listener.id}`, [200], asked);
    if (reply?.status !== 200) listener.marks = [...listener.marks, mark];
    else {
      listener.marks = [mark];
      this.updated += 1;
    }
  }

  async #remove(): Promise<void> {
    const listener = this.#random.pick([...this.confirmed.values()]);
    if (this.#spared.has(listener.id)) return;
    this.confirmed.delete(listener.id);
    const reply = await this.#call('DELETE', `/v1/listeners/${listener.id}`, [204, 202]);
    if (reply?.status === 202) this.accepted += 1;
    const isDeleted = reply?.status === 204 || reply?.status === 202;
    (isDeleted ? this.deleted : this.doubtful).set(listener.id, listener);
  }

  #mark(): string {
    this.#marks += 1;
    return `m${this.#marks}`;
  }

  /** Null where no answer came: the replica was killed. */
  async #call(
    method: string,
    path: string,
    wanted: readonly number[],
    body?: object,
  ): Promise<Reply | null> {
    const begun = performance.now();
    const api = this.#random.pick(this.#apis);
    const told = `${method} ${api.url}${path} at ${new Date().toISOString()}`;
    try {
      const reply = await call(api, method, path, body);
      if (refusals.has(reply.status)) {
        this.refused += 1;
        if (!reply.headers.has('retry-after')) this.faults.push(`${told}: 503, no retry-after`);
      } else if (!wanted.includes(reply.status)) {
        this.faults.push(`${told}: ${reply.status} ${JSON.stringify(reply.body)}`);
      }
      return reply;
    } catch (error) {
      const isHung = error instanceof DOMException && error.name === 'TimeoutError';
      if (isHung) this.faults.push(`${told} got no answer at all`);
      return null;
    } finally {
      this.slowestMs = Math.max(this.slowestMs, Math.round(performance.now() - begun));
    }
  }

  async churnUntil(
    isOver: () => boolean,
    nodes: readonly string[],
    listenersMax: number,
  ): Promise<void> {
    while (!isOver()) {
      await new Promise((next) => setTimeout(next, this.#random.between(50, 400)));
      const { size } = this.confirmed;
      const choice = this.#random.next();
      if (size > 1 && choice < 0.3) await this.#change();
      else if (size > nodes.length && (size >= listenersMax || choice < 0.5)) await this.#remove();
      else if (size < listenersMax) await this.make(this.#random.pick(nodes));
    }
  }
}
