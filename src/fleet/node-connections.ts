/** The connections that the nodes here have open: of each there may be so many, and so many of all. */
import { AppError } from '../core/errors.ts';
import type { ProjectRef } from '../core/project.ts';

export interface NodeConnectionLimits {
  readonly nodeConnectionsMax: number;
  /** Of all nodes that this replica has. */
  readonly fleetConnectionsMax: number;
}

/** A session that has to go, and why. */
interface Crowded<Holder> {
  readonly holder: Holder;
  readonly reason: string;
}

export class NodeConnections<Holder extends { readonly project: ProjectRef }> {
  readonly #limits: NodeConnectionLimits;
  readonly #open = new Map<Holder, number>();
  #sum = 0;

  constructor(limits: NodeConnectionLimits) {
    this.#limits = limits;
  }

  /** @throws failed_precondition of a node that says it may have more than are taken */
  assertMayHave(connectionsMax: number): void {
    const { nodeConnectionsMax } = this.#limits;
    if (connectionsMax <= nodeConnectionsMax) return;
    const own = `this node has KODAMA_CONNECTIONS_MAX=${connectionsMax}`;
    const message = `${own}, and the control plane KODAMA_NODE_CONNECTIONS_MAX=${nodeConnectionsMax}`;
    throw new AppError('failed_precondition', message);
  }

  /**
   * How many the node of a session has open now. Returns whose session is to end for it: its own, where more have come
   * than a node may have; where all together are too many, that of the node which has the most of the project that has the
   * most. What it had before the session is no reason for the former: it tells of their ends, too.
   */
  set(holder: Holder, count: number): Crowded<Holder> | null {
    const before = this.#open.get(holder);
    this.#sum += count - (before ?? 0);
    this.#open.set(holder, count);
    const { nodeConnectionsMax, fleetConnectionsMax } = this.#limits;
    if (before !== undefined && count > Math.max(before, nodeConnectionsMax)) {
      return { holder, reason: `it has more than ${nodeConnectionsMax} connections open` };
    }
    if (this.#sum <= fleetConnectionsMax) return null;
    const reason = `nodes here have more than ${fleetConnectionsMax} connections open, and it the most of its project`;
    return { holder: this.#largest(holder), reason };
  }

  delete(holder: Holder): void {
    this.#sum -= this.#open.get(holder) ?? 0;
    this.#open.delete(holder);
  }

  #largest(first: Holder): Holder {
    const sums = new Map<ProjectRef, number>();
    for (const [{ project }, count] of this.#open) {
      sums.set(project, (sums.get(project) ?? 0) + count);
    }
    const rank = (one: Holder) => [sums.get(one.project) ?? 0, this.#open.get(one) ?? 0] as const;
    let largest = first;
    for (const one of this.#open.keys()) {
      const [a, b] = [rank(one), rank(largest)];
      if (a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])) largest = one;
    }
    return largest;
  }
}
