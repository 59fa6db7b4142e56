/**
 * What an input may cost: time of the loops, memory held, bytes written, bytes and datagrams sent. Each family of hostile
 * inputs is held against bounds that are multiples of what plain input costs on the same machine in the same run.
 * KODAMA_FUZZ_SEED chooses other inputs.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CostMeter } from './cost-meter.ts';
import { costTable } from './cost-table.ts';
import { CostWorld } from './cost-world.ts';
import { families } from './families.ts';
import type { Plain } from './family.ts';
import { plainCosts } from './plain-costs.ts';

const seed = Number(process.env.KODAMA_FUZZ_SEED ?? 20_261_125);
/** Of a family, whatever it sent: buffers that are kept for the next, code that was compiled. */
const heldBytesMax = 48 << 20;
/** Of a worker, for any family: eight clients with a megabyte each in faults, its upkeep, and what V8 takes on the way. */
const workerPeakBytesMax = 192 << 20;
/** That it answers others meanwhile. Loop time has bounds of its own, so this one may be generous. */
const heartbeatMsMax = 5000;

/** Of a kodama with a PostgreSQL, and of all that plain input costs. */
const startWithinMs = 180_000;

let world: CostWorld;
let plain: Plain;
let meter: CostMeter;

beforeAll(async () => {
  world = await CostWorld.open();
  plain = await plainCosts(world);
  meter = new CostMeter(world, plain, seed);
}, startWithinMs);

afterAll(async () => {
  console.log(costTable(meter.rows, plain, seed));
  await world[Symbol.asyncDispose]();
});

test.each(families.map((family) => [family.name, family] as const))(
  'what is sent costs what its size allows: %s',
  async (_, family) => {
    const { violation, heldBytes, workerPeakBytes, heartbeatMs } = await meter.hold(family);
    expect(violation).toBeNull();
    expect(heldBytes).toBeLessThan(heldBytesMax);
    expect(workerPeakBytes).toBeLessThan(workerPeakBytesMax);
    expect(heartbeatMs).toBeLessThan(heartbeatMsMax);
  },
);

test('after all of it the node serves, and no worker was lost', async () => {
  await world.settle();
  expect(world.app.lines.filter((line) => line.includes('a worker was lost'))).toEqual([]);
});
