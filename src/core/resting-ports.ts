/**
 * The ports that were let go lately. Another project gets one only after a while: clients of its former owner may still
 * come, and would be taken for the new one's. For its own project it is free at once.
 */
import type { Listener } from './listener.ts';
import { findConflict, portRefused } from './listener-ports.ts';
import type { NodeContents } from './nodes.ts';
import type { Micros } from './time.ts';

export interface RestingPortsLimits {
  readonly portRestMs: number;
  /** Beyond it the one that rested the longest is free. */
  readonly restingPortsMax: number;
}

interface Resting {
  readonly listener: Listener;
  readonly untilMs: number;
}

function portOf({ laddr, port }: Listener): number {
  return laddr?.port ?? port;
}

export type Place = Pick<Listener, 'id' | 'host' | 'port' | 'protocol' | 'project'>;

export class RestingPorts {
  readonly #limits: RestingPortsLimits;
  readonly #monotonicMs: () => number;
  /** By the id of the listener that had it, in the order in which they were let go. */
  readonly #resting = new Map<string, Resting>();
  /** A draw looks at port after port, and each of thousands may rest. */
  readonly #ofPort = new Map<number, Set<Resting>>();

  /** The clock never jumps. */
  constructor(limits: RestingPortsLimits, monotonicMs = () => performance.now()) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** Those that an earlier run let go of, by the clock that its ends were told by. @throws unavailable */
  async takeUp(node: Pick<NodeContents, 'readEnded'>, now: Micros): Promise<void> {
    const { portRestMs, restingPortsMax } = this.#limits;
    for (const ended of await node.readEnded(now - portRestMs * 1000, restingPortsMax)) {
      this.add(ended, (now - (ended.closedAt ?? now)) / 1000);
    }
  }

  /** The listener is gone, and was for so long. */
  add(listener: Listener, restedMs = 0): void {
    const { portRestMs, restingPortsMax } = this.#limits;
    this.#forget();
    // A clock that was set back since it ended lets nothing rest longer.
    const restMs = portRestMs - Math.max(0, restedMs);
    this.#drop(listener.id);
    const resting = { listener, untilMs: this.#monotonicMs() + restMs };
    this.#resting.set(listener.id, resting);
    const port = portOf(listener);
    this.#ofPort.set(port, (this.#ofPort.get(port) ?? new Set()).add(resting));
    const [oldest = listener.id] = this.#resting.keys();
    if (this.#resting.size > restingPortsMax) this.#drop(oldest);
  }

  #drop(id: string): void {
    const resting = this.#resting.get(id);
    if (resting === undefined) return;
    this.#resting.delete(id);
    const port = portOf(resting.listener);
    const ofPort = this.#ofPort.get(port);
    ofPort?.delete(resting);
    if (ofPort?.size === 0) this.#ofPort.delete(port);
  }

  #forget(): void {
    const now = this.#monotonicMs();
    for (const [id, { untilMs }] of this.#resting) {
      if (untilMs > now) return;
      this.#drop(id);
    }
  }

  /** How long it still rests for whoever wants it; 0 where it is free. */
  restMs(wanted: Place): number {
    this.#forget();
    let restMs = 0;
    for (const { listener, untilMs } of this.#ofPort.get(wanted.port) ?? []) {
      const isForeign = listener.project !== wanted.project;
      if (!isForeign || findConflict(wanted, [listener]) === null) continue;
      restMs = Math.max(restMs, untilMs - this.#monotonicMs());
    }
    return Math.ceil(restMs);
  }

  /** @throws port_in_use (owner resting) */
  assertRested(wanted: Place): void {
    const retryAfterMs = this.restMs(wanted);
    if (retryAfterMs === 0) return;
    const message = `${wanted.host} port ${wanted.port} was another's until lately`;
    throw portRefused('port_in_use', message, { owner: 'resting', retryAfterMs });
  }
}
