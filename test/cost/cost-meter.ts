/** Holds the inputs of a family against its bounds, and keeps the worst of each cost for the table. */
import fc from 'fast-check';
import type { CostWorld } from './cost-world.ts';
import { type Bounds, type Cost, costs, type Family, type Plain, type Spent } from './family.ts';
import { Heartbeat, PeakMemory } from './gauges.ts';

/** What is dear by itself stays dear; what was dear for the machine's sake is measured again. */
const attemptsMax = 3;
/** No machine's fault. */
const isDearMs = 2000;
const heartbeatEveryMs = 100;
/** After it no smaller one is looked for. */
const shrinkWithinMs = 10_000;
const toldCharsMax = 400;

export interface Row {
  readonly name: string;
  readonly bounds: Bounds;
  readonly inputs: number;
  readonly bytesIn: number;
  readonly worst: Readonly<Partial<Record<Cost, number>>>;
  readonly loopMsMax: number;
  /** What the control plane holds of it afterwards. */
  readonly heldBytes: number;
  /** What the worker took for it at most. */
  readonly workerPeakBytes: number;
  readonly heartbeatMs: number;
  /** The smallest input that breaks a bound. */
  readonly violation: string | null;
}

export class CostMeter {
  readonly #world: CostWorld;
  readonly #plain: Plain;
  readonly #seed: number;
  readonly rows: Row[] = [];

  constructor(world: CostWorld, plain: Plain, seed: number) {
    this.#world = world;
    this.#plain = plain;
    this.#seed = seed;
  }

  /** A row of the table, with the smallest input that breaks a bound where one does. */
  async hold(family: Family): Promise<Row> {
    const world = this.#world;
    await family.prepare?.(world);
    const heldBefore = await world.liveBytes();
    const kept = {
      inputs: 0,
      bytesIn: 0,
      loopMsMax: 0,
      worst: {} as Partial<Record<Cost, number>>,
    };
    using workerMemory = new PeakMemory(world.workerPid);
    await using heartbeat = new Heartbeat(
      () => fetch(`${world.url}/healthz`).then((reply) => reply.text()),
      heartbeatEveryMs,
    );
    let foundAt = Number.POSITIVE_INFINITY;
    let violation: string | null = null;
    const property = fc.asyncProperty(family.inputs, async (input) => {
      if (performance.now() > foundAt + shrinkWithinMs) return;
      const [spent, broken] = await this.#cheapest(family, input);
      kept.inputs += 1;
      kept.bytesIn += spent.bytesIn;
      kept.loopMsMax = Math.max(kept.loopMsMax, spent.loopMs / spent.calls);
      for (const [cost, ratio] of ratiosOf(family.bounds, spent, this.#plain)) {
        kept.worst[cost] = Math.max(kept.worst[cost] ?? 0, ratio);
      }
      if (broken.length === 0) return;
      // Each that fails after the first is smaller than those before it.
      foundAt = Math.min(foundAt, performance.now());
      violation = `${broken.join(', ')}: ${toldOf(input)}`;
      throw new Error(violation);
    });
    const { failed, errorInstance } = await fc.check(property, {
      seed: this.#seed,
      numRuns: family.runs,
      examples: family.worst.map((input): [unknown] => [input]),
    });
    if (failed && violation === null) throw errorInstance;
    await world.settle();
    await world.sweep();
    const heldBytes = (await world.liveBytes()) - heldBefore;
    const row = {
      name: family.name,
      bounds: family.bounds,
      ...kept,
      heldBytes,
      workerPeakBytes: workerMemory.grownBytes,
      heartbeatMs: heartbeat.longestMs,
      violation,
    };
    this.rows.push(row);
    return row;
  }

  /** The cheapest of some attempts at the same input, and each bound that even that one breaks. */
  async #cheapest(family: Family, input: unknown): Promise<[Spent, readonly string[]]> {
    let best: [Spent, readonly string[]] | null = null;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const spent = await this.#spend(family, input).catch((error: unknown) => {
        throw new Error(`it could not be sent: ${toldOf(input)}`, { cause: error });
      });
      if (spent.workerMs === Number.POSITIVE_INFINITY) {
        await this.#world.settle();
        return [spent, ['a worker was lost']];
      }
      const broken = ratiosOf(family.bounds, spent, this.#plain)
        // What is no number is within no bound.
        .filter(([cost, ratio]) => !(ratio <= (family.bounds[cost] ?? 0)))
        .map(([cost, ratio]) => `${cost} ${ratio.toPrecision(3)}`);
      if (best === null || broken.length < best[1].length) best = [spent, broken];
      if (broken.length === 0 || spent.loopMs > isDearMs) break;
    }
    if (best === null) throw new Error('no attempt was made');
    return best;
  }

  async #spend(family: Family, input: unknown): Promise<Spent> {
    const world = this.#world;
    const before = await world.gauge();
    const sent = await family.send(world, input);
    const after = await world.gauge();
    return {
      ...sent,
      loopMs: after.loopMs - before.loopMs,
      workerMs: after.workerMs - before.workerMs,
      walBytes: after.walBytes - before.walBytes,
    };
  }
}

function toldOf(input: unknown): string {
  return fc.stringify(input).slice(0, toldCharsMax);
}

function ratiosOf(bounds: Bounds, spent: Spent, plain: Plain): readonly [Cost, number][] {
  return (Object.keys(bounds) as Cost[]).map((cost) => [cost, costs[cost](spent, plain)]);
}
