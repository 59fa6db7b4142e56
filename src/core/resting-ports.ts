/**
 * The ports that were let go lately. Another project gets one only after a while: clients of its former owner may still
 * come, and would be taken for the new one's. For its own project it is free at once. A project keeps so few places from the
 * others as it may have listeners, and lets nobody else's rest less.
 */
import type { Listener } from './listener.ts';
import { findConflict, portRefused } from './listener-ports.ts';
import type { NodeContents } from './nodes.ts';
import type { ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import type { Micros } from './time.ts';

export interface RestingPortsLimits {
  readonly portRestMs: number;
  /** Beyond it the one that rested the longest is free, of the project that has the most. */
  readonly restingPortsMax: number;
}

export interface RestingPortsOptions {
  readonly limits: RestingPortsLimits;
  readonly projects: Pick<Projects, 'termsOf'>;
  /** In milliseconds; it never jumps. */
  readonly monotonicMs?: () => number;
}

interface Resting {
  readonly listener: Listener;
  readonly untilMs: number;
}

function portOf({ laddr, port }: Listener): number {
  return laddr?.port ?? port;
}

/** What one listener had, and another of the project may have had before. */
function placeOf(listener: Listener): string {
  const { protocol, host } = listener;
  return `${protocol === 'udp' ? 'udp' : 'tcp'} ${host} ${portOf(listener)}`;
}

export type Place = Pick<Listener, 'id' | 'host' | 'port' | 'protocol' | 'project'>;

type Rests = Map<string, Resting>;

const forgetIntervalMs = 1000;

export class RestingPorts {
  readonly #options: RestingPortsOptions;
  readonly #monotonicMs: () => number;
  /** By place, in the order in which they were let go. */
  readonly #ofProject = new Map<ProjectRef, Rests>();
  /** A draw looks at port after port, and each of thousands may rest. */
  readonly #ofPort = new Map<number, Set<Resting>>();
  #size = 0;
  #forgottenAt = Number.NEGATIVE_INFINITY;

  constructor(options: RestingPortsOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** Those that an earlier run let go of, by the clock that its ends were told by. @throws unavailable */
  async takeUp(node: Pick<NodeContents, 'readEnded'>, now: Micros): Promise<void> {
    const { portRestMs, restingPortsMax } = this.#options.limits;
    for (const ended of await node.readEnded(now - portRestMs * 1000, restingPortsMax)) {
      this.add(ended, (now - (ended.closedAt ?? now)) / 1000);
    }
  }

  /** The listener is gone, and was for so long. */
  add(listener: Listener, restedMs = 0): void {
    const { portRestMs, restingPortsMax } = this.#options.limits;
    this.#forget();
    // A clock that was set back since it ended lets nothing rest longer.
    const restMs = portRestMs - Math.max(0, restedMs);
    const { project } = listener;
    const own: Rests = this.#ofProject.get(project) ?? new Map();
    this.#ofProject.set(project, own);
    this.#drop(own, placeOf(listener));
    const resting = { listener, untilMs: this.#monotonicMs() + restMs };
    own.set(placeOf(listener), resting);
    this.#size += 1;
    const port = portOf(listener);
    this.#ofPort.set(port, (this.#ofPort.get(port) ?? new Set()).add(resting));
    if (own.size > this.#ownMax(project)) this.#dropOldest(own);
    if (this.#size > restingPortsMax) this.#dropOldest(this.#largest(own));
  }

  /** One at least: what a project had last rests, whatever it may have now. */
  #ownMax(project: ProjectRef): number {
    const { projects, limits } = this.#options;
    return Math.max(1, projects.termsOf(project).quotas.listeners ?? limits.restingPortsMax);
  }

  #largest(own: Rests): Rests {
    let largest = own;
    for (const one of this.#ofProject.values()) if (one.size > largest.size) largest = one;
    return largest;
  }

  #dropOldest(rests: Rests): void {
    const [oldest] = rests.keys();
    if (oldest !== undefined) this.#drop(rests, oldest);
  }

  #drop(rests: Rests, place: string): void {
    const resting = rests.get(place);
    if (resting === undefined) return;
    rests.delete(place);
    this.#size -= 1;
    const port = portOf(resting.listener);
    const ofPort = this.#ofPort.get(port);
    ofPort?.delete(resting);
    if (ofPort?.size === 0) this.#ofPort.delete(port);
  }

  /** What is over is free anyhow: only its memory waits for the next look at all projects. */
  #forget(): void {
    const now = this.#monotonicMs();
    if (now - this.#forgottenAt < forgetIntervalMs) return;
    this.#forgottenAt = now;
    for (const [project, rests] of this.#ofProject) {
      for (const [place, { untilMs }] of rests) {
        if (untilMs > now) break;
        this.#drop(rests, place);
      }
      if (rests.size === 0) this.#ofProject.delete(project);
    }
  }

  /** How long it still rests for whoever wants it; 0 where it is free. */
  restMs(wanted: Place): number {
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
