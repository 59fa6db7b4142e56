/**
 * Which faults a connection has: what a listener's list says of it, by network, count and chance.
 *
 * - A fault that stays in the list as it is keeps its counts, its numbers and its connections.
 * - The nth connection that a fault matches draws from the run of (seed, n), whatever else happens.
 * - Where no fault is in force, a connection costs nothing.
 */

import { networkSet } from '../../core/address.ts';
import { lookMsMax } from '../../core/clock.ts';
import type { Fault } from '../../core/fault.ts';
import type { Clock } from '../../core/ports.ts';
import { definitionOf } from '../../faults/all-faults.ts';
import type { Admission } from '../../faults/fault-definition.ts';
import type { PacedRate } from '../../faults/paced-rate.ts';
import { seededRandom } from '../../faults/seeded-random.ts';
import type { ActiveFault } from '../../faults/stage.ts';

/** What was decided for one connection; kept with it, for when the list changes. */
export interface ConnectionFaults {
  readonly isRefused: boolean;
  readonly acceptDelayMs: number;
  /** In the order of the list; what a pipeline takes. */
  readonly active: readonly ActiveFault[];
  /** What was in force then, and what was drawn for each; null where that is not for this connection. */
  readonly rules: readonly Rule[];
  readonly drawn: readonly (ActiveFault | null)[];
}

export interface ListenerFaultsOptions {
  readonly faults: readonly Fault[];
  /** How many workers serve the listener: each has its part of what its connections share. */
  readonly workers: number;
  readonly clock: Clock;
  readonly kind: 'stream' | 'datagram';
  /** Other faults are in force, by an update or by time: living connections, in accept order, are readmitted. */
  readonly onChange: () => void;
}

const none: ConnectionFaults = {
  isRefused: false,
  acceptDelayMs: 0,
  active: [],
  rules: [],
  drawn: [],
};

export class ListenerFaults {
  readonly #options: ListenerFaultsOptions;
  #rules: readonly Rule[] = [];
  #inForce: readonly Rule[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ListenerFaultsOptions) {
    this.#options = options;
    this.#rules = this.#rulesFor(options.faults);
    this.#enforce();
  }

  get hasFaults(): boolean {
    return this.#inForce.length > 0;
  }

  /** Decides for a new connection, or for a datagram of no session. An address that is not known is in no network. */
  admit(ip: string | null): ConnectionFaults {
    if (this.#inForce.length === 0) return none;
    return this.#decide(ip, none, true);
  }

  /** Decides again for a living connection: what was decided stays, new faults are considered. The same for the same list. */
  readmit(ip: string, before: ConnectionFaults): ConnectionFaults {
    if (this.#inForce.length === 0) return none;
    return before.rules === this.#inForce ? before : this.#decide(ip, before, false);
  }

  update(faults: readonly Fault[]): void {
    this.#rules = this.#rulesFor(faults);
    if (this.#enforce()) this.#options.onChange();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#rules = [];
    this.#inForce = [];
  }

  #decide(ip: string | null, before: ConnectionFaults, isNew: boolean): ConnectionFaults {
    const rules = this.#inForce;
    const drawn: (ActiveFault | null)[] = [];
    const active: ActiveFault[] = [];
    let isRefused = false;
    let acceptDelayMs = 0;
    for (const rule of rules) {
      const place = before.rules.indexOf(rule);
      const isConsidered = place === -1 && (isNew || !rule.isForNewOnly);
      const chosen = isConsidered ? rule.draw(ip) : (before.drawn[place] ?? null);
      drawn.push(chosen);
      if (chosen === null) continue;
      const { admission } = rule;
      if (admission === null) active.push(chosen);
      else {
        isRefused ||= admission.isRefused;
        acceptDelayMs += admission.delayMs;
      }
    }
    return { isRefused, acceptDelayMs, active, rules, drawn };
  }

  #rulesFor(faults: readonly Fault[]): readonly Rule[] {
    const known = Map.groupBy(this.#rules, ({ key }) => key);
    const { workers, kind } = this.#options;
    return faults.map((fault) => {
      const key = canonical(fault);
      return known.get(key)?.shift() ?? new Rule({ key, fault, workers, kind });
    });
  }

  /** Sorts out what is in force now, and comes back when the next one expires. True where it has changed. */
  #enforce(): boolean {
    const now = this.#options.clock.now();
    const before = this.#inForce;
    const after = this.#rules.filter(
      ({ fault: { enabled, expiresAt } }) => enabled && (expiresAt === null || expiresAt > now),
    );
    const isSame = after.length === before.length && after.every((rule, at) => rule === before[at]);
    if (!isSame) this.#inForce = after;
    const nextAt = Math.min(
      ...after.map(({ fault }) => fault.expiresAt ?? Number.POSITIVE_INFINITY),
    );
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (nextAt < Number.POSITIVE_INFINITY) {
      const waitMs = Math.min(Math.ceil((nextAt - now) / 1000), lookMsMax);
      this.#timer = setTimeout(() => {
        if (this.#enforce()) this.#options.onChange();
      }, waitMs);
    }
    return !isSame;
  }
}

interface RuleOptions {
  readonly key: string;
  readonly fault: Fault;
  readonly workers: number;
  readonly kind: 'stream' | 'datagram';
}

/** One fault of the list, with what it has counted. */
export class Rule {
  readonly key: string;
  readonly fault: Fault;
  readonly #isInNetwork: ((ip: string) => boolean) | null;
  /** A client that is there already was let in, and can no longer be spoken to first. */
  readonly isForNewOnly: boolean;
  /** What it does to a connection at its accept; null where it stays with it. */
  readonly admission: Admission | null;
  readonly #isDrawnAtAccept: boolean;
  readonly #seed: number;
  readonly sharedRate: PacedRate | null;
  /** Connections of its network; those that it matches. */
  #seen = 0;
  #matched = 0;

  constructor({ key, fault, workers, kind }: RuleOptions) {
    const { cidr } = fault.match;
    this.key = key;
    this.fault = fault;
    this.#isInNetwork = cidr === undefined ? null : networkSet([cidr]);
    const definition = definitionOf(fault);
    this.admission = 'atAccept' in definition ? definition.atAccept(fault) : null;
    this.isForNewOnly = this.admission !== null || definition.isForNewOnly === true;
    // Whether a datagram of a session has the fault is drawn for each; a refusal comes before the session.
    this.#isDrawnAtAccept = kind === 'stream' || this.admission !== null;
    this.#seed = fault.seed ?? Math.floor(Math.random() * 2 ** 32);
    this.sharedRate = definition.sharedRate?.(fault, workers) ?? null;
  }

  /** Counts a connection, and chooses it or not. */
  draw(ip: string | null): ActiveFault | null {
    if (this.#isInNetwork !== null && (ip === null || !this.#isInNetwork(ip))) return null;
    this.#seen += 1;
    const { everyNth = 1, firstN = Number.POSITIVE_INFINITY, afterN = 0 } = this.fault.match;
    const isMatch = this.#seen % everyNth === 0 && this.#seen <= firstN && this.#seen > afterN;
    if (!isMatch) return null;
    this.#matched += 1;
    const { probability } = this.fault;
    const isDrawn = this.#isDrawnAtAccept && probability < 1;
    if (isDrawn && seededRandom(this.#seed, this.#matched)() >= probability) return null;
    return new DrawnFault(this, this.#matched);
  }

  /** What the nth connection that it matches draws from, behind what decided whether it has the fault. */
  runOf(ordinal: number): () => number {
    const random = seededRandom(this.#seed, ordinal);
    if (this.#isDrawnAtAccept) random();
    return random;
  }
}

/** The fault of one connection: small, for most connections are quiet. Its run begins with what is drawn first. */
class DrawnFault implements ActiveFault {
  readonly #rule: Rule;
  readonly #ordinal: number;
  #random: (() => number) | null = null;

  constructor(rule: Rule, ordinal: number) {
    this.#rule = rule;
    this.#ordinal = ordinal;
  }

  get fault(): Fault {
    return this.#rule.fault;
  }

  get sharedRate(): PacedRate | null {
    return this.#rule.sharedRate;
  }

  get random(): () => number {
    this.#random ??= this.#rule.runOf(this.#ordinal);
    return this.#random;
  }
}

/** The same text for the same fault, whatever its name and in whatever order its fields come. */
function canonical({ name: _name, ...fault }: Fault): string {
  return JSON.stringify(fault, (_, value: unknown) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
