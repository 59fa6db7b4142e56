/** One listener on workers without processes, which answer when, and die where, the test wants it. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeWorker, type PortTable } from '../../test/support/fake-worker.ts';
import { keepingLogger, sampleLimits } from '../../test/support/samples.ts';
import { sampleBinding } from '../../test/support/worker-plane.ts';
import { readConfig } from '../config.ts';
import type { Observed } from '../core/ports.ts';
import { WishedListener } from './wished-listener.ts';
import { shareOf } from './worker-share.ts';

const slots = [0, 1] as const;
const binding = sampleBinding(1, { port: 7000 });
const { listenerId } = binding;
/** With the first, one worker has no part in it. */
const sizes = [1, 10, 6];

/** What is told of each generation in these tests: its limits follow from it. */
function limitsOf(generation: number) {
  return { ...sampleLimits, maxConnections: sizes[generation % sizes.length] ?? 0 };
}

function makeWorld(answer: () => Promise<void> = async () => undefined) {
  const ports: PortTable = { isForeign: false };
  const up = new Map<string, FakeWorker>();
  const observed: Observed[] = [];
  const fatal: unknown[] = [];
  const log = keepingLogger();
  const { rebindMinMs, rebindMaxMs } = readConfig({}).dataPlane;
  const listener = new WishedListener(binding, {
    workers: slots.length,
    hasRoom: () => true,
    ...{ up, log, limits: { rebindMinMs, rebindMaxMs } },
    onObserved: (one) => {
      if (one.state === 'bound') expectSpec(up, one.generation);
      observed.push(one);
    },
    onFatal: (error) => void fatal.push(error),
  });
  let generation = 0;
  /** Nobody reconciles what is neither held nor wished. */
  let isThere = false;
  return {
    ...{ ports, up, observed, fatal, log, listener },
    get generation(): number {
      return generation;
    },
    async open(): Promise<void> {
      isThere = true;
      await listener.open();
    },
    async wish(): Promise<void> {
      isThere = true;
      generation += 1;
      await listener.wish({ generation, binding: { ...binding, limits: limitsOf(generation) } });
    },
    async wishAgain(older: number): Promise<void> {
      const stale = { ...binding, limits: { ...sampleLimits, maxConnections: 1000 } };
      await listener.wish({ generation: Math.max(1, generation - older), binding: stale });
    },
    async start(slot: number): Promise<void> {
      if ([...up.values()].some((worker) => worker.slot === slot)) return;
      const worker = new FakeWorker({ slot, ports, answer });
      up.set(worker.id, worker);
      if (isThere) await listener.reconcile();
    },
    lose(slot: number): void {
      const worker = [...up.values()].find((each) => each.slot === slot);
      if (worker === undefined) return;
      up.delete(worker.id);
      worker.die();
    },
  };
}

type World = ReturnType<typeof makeWorld>;

/** Who has the listener has it as this generation says. */
function expectSpec(up: ReadonlyMap<string, FakeWorker>, generation: number): void {
  for (const { slot, listening } of up.values()) {
    if (listening === null) continue;
    expect(listening.limits).toEqual(shareOf(limitsOf(generation), slot, slots.length));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a bind that failed is tried again, with a pause that doubles up to its bound', async () => {
  const { rebindMinMs, rebindMaxMs } = readConfig({}).dataPlane;
  const world = makeWorld();
  await world.start(0);
  world.ports.isForeign = true;
  await world.wish();
  const [worker] = world.up.values();
  let binds = 1;
  expect(worker?.binds).toBe(binds);
  for (let pauseMs = rebindMinMs; binds < 12; pauseMs = Math.min(2 * pauseMs, rebindMaxMs)) {
    await vi.advanceTimersByTimeAsync(pauseMs - 1);
    expect(worker?.binds).toBe(binds);
    await vi.advanceTimersByTimeAsync(1);
    binds += 1;
    expect(worker?.binds).toBe(binds);
  }
  // It was told once.
  expect(world.observed).toMatchObject([{ generation: 1, state: 'failed' }]);
  world.ports.isForeign = false;
  await vi.advanceTimersByTimeAsync(rebindMaxMs);
  expect(world.observed.slice(1)).toMatchObject([{ generation: 1, state: 'bound' }]);
  expect(vi.getTimerCount()).toBe(0);
});

test('nothing is tried any more after its end', async () => {
  const world = makeWorld();
  await world.start(0);
  world.ports.isForeign = true;
  await world.wish();
  expect(vi.getTimerCount()).toBe(1);
  await world.listener.close(0, 'shutdown');
  expect(vi.getTimerCount()).toBe(0);
  await world.start(1);
  await world.wish();
  expect([...world.up.values()].map(({ binds }) => binds)).toEqual([1, 0]);
});

test('a new generation and a new worker are tried at once', async () => {
  const world = makeWorld();
  await world.start(0);
  world.ports.isForeign = true;
  await world.wish();
  await world.start(1);
  world.ports.isForeign = false;
  await world.wish();
  expect(world.observed).toMatchObject([
    { generation: 1, state: 'failed' },
    { generation: 2, state: 'bound' },
  ]);
  for (const slot of slots) world.lose(slot);
  await world.start(0);
  expect(world.observed.slice(2)).toMatchObject([{ generation: 2, state: 'bound' }]);
});

test('what can not be bound on one worker is served by the other, and tried again', async () => {
  const world = makeWorld();
  for (const slot of slots) await world.start(slot);
  const [first] = world.up.values();
  if (first === undefined) throw new TypeError('there are two');
  first.bindsLeft = 0;
  await world.wish();
  expect(world.observed).toMatchObject([{ state: 'bound', sockets: [{}] }]);
  first.bindsLeft = 1;
  await vi.advanceTimersByTimeAsync(readConfig({}).dataPlane.rebindMinMs);
  expect(world.observed.slice(1)).toMatchObject([{ state: 'bound', sockets: [{}, {}] }]);
});

test('a worker with a bug fails the listener, not the process, and is asked again', async () => {
  let hasBug = true;
  const world = makeWorld(async () => {
    if (hasBug) throw new TypeError('a bug');
  });
  await world.start(0);
  await world.wish();
  expect(world.observed).toMatchObject([{ state: 'failed', reason: { code: 'internal' } }]);
  expect(world.log.lines).toMatchObject([{ level: 'error', message: 'a worker failed' }]);
  hasBug = false;
  await vi.advanceTimersByTimeAsync(readConfig({}).dataPlane.rebindMinMs);
  expect(world.observed.slice(1)).toMatchObject([{ state: 'bound' }]);
  expect(world.fatal).toEqual([]);
});

const action = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'wish' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('again' as const), older: fc.nat({ max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('start' as const, 'lose' as const),
      slot: fc.constantFrom(...slots),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'foreign' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      count: fc.nat({ max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'end' as const }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** What is wished and what is observed when the rest begins. */
const origins = ['nothing', 'held', 'bound', 'failed'] as const;

async function begin(world: World, origin: (typeof origins)[number]): Promise<void> {
  for (const slot of slots) await world.start(slot);
  if (origin === 'nothing') return;
  world.ports.isForeign = origin === 'failed';
  if (origin === 'held') await world.open();
  else await world.wish();
}

test('from any state, and in whatever order things come, the workers come to what is wished', async () => {
  const origin = fc.constantFrom(...origins);
  const run = { origin, actions: fc.array(action, { maxLength: 20 }) };
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.record(run), async (scheduler, { origin, actions }) => {
      const world = makeWorld(() => scheduler.schedule(Promise.resolve()));
      await scheduler.waitFor(begin(world, origin));
      const done: Promise<unknown>[] = [];
      let toldAtEnd: number | null = null;
      for (const one of actions) {
        done.push(...act(world, one));
        if (one.kind === 'end') toldAtEnd ??= world.observed.length;
        if (one.kind === 'answer') await answer(scheduler, one.count);
      }
      world.ports.isForeign = false;
      if (world.generation === 0) done.push(world.wish());
      for (const slot of slots) done.push(world.start(slot));
      await scheduler.waitFor(Promise.all(done));
      // What was tried before the port was free is tried once more.
      await scheduler.waitFor(vi.runAllTimersAsync());
      expectFixedPoint(world, toldAtEnd);
    }),
    { numRuns: 300 },
  );
});

/** Lets what waits for no answer get on, and so many answers come. */
async function answer(scheduler: fc.Scheduler, count: number): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  if (count === 0 || scheduler.count() === 0) return;
  await scheduler.waitOne();
  await answer(scheduler, count - 1);
}

function act(world: World, one: Action): readonly Promise<unknown>[] {
  switch (one.kind) {
    case 'wish':
      return [world.wish()];
    case 'again':
      return world.generation === 0 ? [] : [world.wishAgain(one.older)];
    case 'start':
      return [world.start(one.slot)];
    case 'lose':
      world.lose(one.slot);
      return [];
    case 'foreign':
      world.ports.isForeign = !world.ports.isForeign;
      return [];
    case 'answer':
      return [];
    case 'end':
      return [world.listener.close(0, 'listener_deleted')];
  }
}

function expectFixedPoint(world: World, toldAtEnd: number | null): void {
  const { up, observed, generation, fatal, log } = world;
  expect(fatal).toEqual([]);
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  const workers = [...up.values()];
  const generations = observed.map((one) => one.generation);
  expect(generations).toEqual(generations.toSorted((a, b) => a - b));
  for (const [n, one] of observed.entries()) expect(one).not.toEqual(observed[n - 1]);
  if (toldAtEnd !== null) {
    expect(workers.map(({ listening }) => listening)).toEqual(workers.map(() => null));
    expect(observed).toHaveLength(toldAtEnd);
    return;
  }
  expectSpec(up, generation);
  const hasPart = ({ slot }: FakeWorker) =>
    shareOf(limitsOf(generation), slot, slots.length).maxConnections > 0;
  expect(workers.filter(hasPart).map(({ listening }) => listening?.isServed)).toEqual(
    workers.filter(hasPart).map(() => true),
  );
  const last = observed.at(-1);
  const sockets = workers.flatMap(({ pid, listening }) =>
    listening === null ? [] : [{ pid, fd: listening.fd }],
  );
  expect(last).toMatchObject({ listenerId, generation, state: 'bound' });
  expect(last?.state === 'bound' && new Set(last.sockets)).toEqual(new Set(sockets));
}
