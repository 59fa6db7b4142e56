/** Holds the inputs of a family against its bounds, and keeps the worst of each cost for the table. */
import fc from 'fast-check';
import type { CostWorld } from './cost-world.ts';
import { together } from './exchange.ts';
import {
  type Bounds,
  type Cost,
  costs,
  type Family,
  type Plain,
  plainMs,
  type Sent,
  type Spent,
} from './family.ts';
import { Heartbeat, PeakMemory } from './gauges.ts';
import { callerCosts, plainCosts } from './plain-costs.ts';

/** What is dear by itself stays dear; what was dear for the machine's sake is cheaper at another time. */
const attemptsMax = 4;
/** No machine's fault. */
const isDearMs = 2000;
const heartbeatEveryMs = 100;
/**
 * An input is sent until plain input would have taken so long, or so often. What is done once after a pause finds nothing
 * in the caches, and takes several times what it takes in a row, as plain input was measured.
 */
const steadyMs = 3;
const timesMax = 30;
/** After it no smaller one is looked for. */
const shrinkWithinMs = 10_000;
const toldCharsMax = 400;
const mega = 1_000_000;

export interface Row {
  readonly name: string;
  readonly bounds: Bounds;
  readonly inputs: number;
  readonly bytesIn: number;
  readonly worst: Readonly<Partial<Record<Cost, number>>>;
  readonly loopMsMax: number;
  /** Of those that are half a megabyte or more. */
  readonly loopMsPerMbMax: number;
  /** What costs the loop most for its size. */
  readonly dearest: string;
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
      loopMsPerMbMax: 0,
      dearest: '',
      worst: {} as Partial<Record<Cost, number>>,
    };
    const workerMemory = new PeakMemory(world.workerPid);
    await using heartbeat = new Heartbeat(
      () => fetch(`${world.url}/healthz`).then((reply) => reply.text()),
      heartbeatEveryMs,
    );
    let foundAt = Number.POSITIVE_INFINITY;
    let violation: string | null = null;
    const property = fc.asyncProperty(family.inputs, async (input) => {
      if (performance.now() > foundAt + shrinkWithinMs) return;
      const { spent, least, broken } = await this.#least(family, input, kept.worst);
      kept.inputs += 1;
      kept.bytesIn += spent.bytesIn;
      kept.loopMsMax = Math.max(kept.loopMsMax, spent.loopMs / spent.calls);
      if (spent.bytesIn > mega / 2) {
        const perMb = spent.loopMs / (spent.bytesIn / mega);
        kept.loopMsPerMbMax = Math.max(kept.loopMsPerMbMax, perMb);
      }
      if ((least.get('loop') ?? 0) > (kept.worst.loop ?? 0)) kept.dearest = toldOf(input);
      for (const [cost, ratio] of least) {
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

  /**
   * What the input costs, and each bound that it breaks whenever it is tried. One that seems dearer than those before it
   * is tried again, and where it breaks a bound, beside plain input of that moment: others on this machine slow down both.
   */
  async #least(family: Family, input: unknown, worst: Row['worst']): Promise<Measured> {
    let measured: Measured | null = null;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const isWithin = measured === null || measured.broken.length === 0;
      const plain = isWithin ? this.#plain : await this.#plainNow(family);
      const spent = await this.#spend(family, input).catch((error: unknown) => {
        throw new Error(`it could not be sent: ${toldOf(input)}`, { cause: error });
      });
      if (spent.workerMs === Number.POSITIVE_INFINITY) {
        await this.#world.settle();
        return { spent, least: new Map(), broken: ['a worker was lost'] };
      }
      measured = lesser(measured, measure(family.bounds, spent, plain));
      const { least, broken } = measured;
      const isDearer = [...least].some(([cost, ratio]) => ratio > (worst[cost] ?? 0));
      if (!(isDearer || broken.length > 0) || spent.loopMs > isDearMs) break;
    }
    if (measured === null) throw new Error('no attempt was made');
    return measured;
  }

  async #plainNow({ bounds }: Family): Promise<Plain> {
    if (bounds.worker !== undefined) return await plainCosts(this.#world);
    return { ...this.#plain, ...(await callerCosts(this.#world)) };
  }

  async #spend(family: Family, input: unknown): Promise<Spent> {
    const world = this.#world;
    const before = await world.gauge();
    const startedAt = performance.now();
    const sent = await this.#sendSteadily(family, input);
    const tookMs = performance.now() - startedAt;
    const after = await world.gauge();
    return {
      ...sent,
      tookMs,
      loopMs: after.loopMs - before.loopMs,
      workerMs: after.workerMs - before.workerMs,
      walBytes: after.walBytes - before.walBytes,
    };
  }

  async #sendSteadily(family: Family, input: unknown): Promise<Sent> {
    const timed = (['loop', 'worker'] as const).filter((cost) => family.bounds[cost] !== undefined);
    const steadiness = (sent: Sent) =>
      Math.min(...timed.map((cost) => plainMs[cost](sent, this.#plain))) / steadyMs;
    const send = () => family.send(this.#world, input);
    let sent = await send();
    if (family.isPatient) {
      const times = Math.min(timesMax, Math.ceil(1 / steadiness(sent)));
      return together([sent, ...(await Promise.all(Array.from({ length: times - 1 }, send)))]);
    }
    for (let times = 1; times < timesMax && steadiness(sent) < 1; times += 1) {
      sent = together([sent, await send()]);
    }
    return sent;
  }
}

function toldOf(input: unknown): string {
  return fc.stringify(input).slice(0, toldCharsMax);
}

interface Measured {
  readonly spent: Spent;
  readonly least: ReadonlyMap<Cost, number>;
  readonly broken: readonly string[];
}

function measure(bounds: Bounds, spent: Spent, plain: Plain): Measured {
  const least = new Map(
    (Object.keys(bounds) as Cost[]).map((cost) => [cost, costs[cost](spent, plain)] as const),
  );
  const broken = [...least]
    // What is no number is within no bound.
    .filter(([cost, ratio]) => !(ratio <= (bounds[cost] ?? 0)))
    .map(([cost, ratio]) => `${cost} ${ratio.toPrecision(3)}`);
  return { spent, least, broken };
}

/** Of two attempts at the same input: of each cost the lesser, and the bounds of the one that broke fewer. */
function lesser(a: Measured | null, b: Measured): Measured {
  if (a === null) return b;
  const least = new Map(
    [...b.least].map(([cost, ratio]) => [cost, Math.min(ratio, a.least.get(cost) ?? ratio)]),
  );
  const { broken } = a.broken.length <= b.broken.length ? a : b;
  const spent = a.spent.loopMs <= b.spent.loopMs ? a.spent : b.spent;
  return { spent, least, broken };
}
