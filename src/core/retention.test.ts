/** What retention takes when clocks are wrong. The database's clock and those that never jump are moved by hand. */

import { expect, test } from 'vitest';
import { MemoryDatabase } from '../../test/support/memory-database.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import {
  handClock,
  keepingLogger,
  sampleEvent,
  sampleLogLimits,
} from '../../test/support/samples.ts';
import { sampleAuditEntry } from '../../test/support/store-samples.ts';
import { AuditKeeping } from './audit-keeping.ts';
import { EventLog } from './event-log.ts';
import { defaultProject } from './project.ts';
import { noTerms, type Quotas } from './quotas.ts';
import { Retention, type RetentionOptions } from './retention.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 10, 26) * 1000;
const auditLimits = {
  ...{ auditAgeMs: 40 * dayMs, auditEntriesMax: 5 },
  ...{ auditCountIntervalMs: 0, auditPurgeMax: 2 },
};

/** A world with one clock for the database, and one that never jumps for all nodes. */
function makeWorld() {
  const database = new MemoryDatabase();
  const clock = handClock(start);
  let monotonicMs = 0;
  const logger = keepingLogger();
  const openNode = async (nodeId: string, given: Partial<RetentionOptions> = {}) => {
    const store = new MemoryStore({ database, nodeId, clock });
    const onFatal = (error: unknown) => expect.unreachable(String(error));
    const eventLog = await EventLog.open({
      store,
      writer: await store.nodes.takeOwn(),
      log: logger,
      limits: sampleLogLimits,
      onFatal,
    });
    const audit = new AuditKeeping(store.audit, auditLimits);
    const retention = new Retention({
      ...{
        store,
        audit,
        eventLog,
        clock,
        logger,
        confirmedTime: null,
        monotonicMs: () => monotonicMs,
      },
      idempotencyTtlMs: dayMs,
      projects: { termsOf: (project) => database.terms.get(project) ?? noTerms },
      ...{ ageMs: 30 * dayMs, eventsMax: 10 ** 9, bytesMax: 10 ** 12 },
      // The test says when.
      ...{ intervalMs: 2 ** 31 - 1, purgeEventsMax: 100, ...given },
    });
    await retention.purge();
    return { eventLog, retention, [Symbol.asyncDispose]: () => retention[Symbol.asyncDispose]() };
  };
  return {
    clock,
    logger,
    audit: database.audit,
    openNode,
    /** Time truly passes, for every clock. */
    pass(ms: number) {
      clock.move(ms);
      monotonicMs += ms;
    },
    limit: (quotas: Partial<Quotas>) => database.limit(defaultProject, quotas),
    kept: () => database.history.length - database.bounds.oldestSeq + 1,
  };
}

type World = ReturnType<typeof makeWorld>;
type Node = Awaited<ReturnType<World['openNode']>>;

/** One event a day, and a look each hour. */
async function live(world: World, nodes: readonly Node[], days: number): Promise<void> {
  for (let hour = 0; hour < 24 * days; hour += 1) {
    const [first] = nodes;
    if (hour % 24 === 0) await first?.eventLog.append([sampleEvent()]);
    world.pass(hourMs);
    for (const node of nodes) await node.retention.purge();
  }
}

const warnings = ({ logger }: World) => logger.lines.filter(({ level }) => level === 'warn');

test('where clocks are right what is older than its age goes, and nothing else', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a');
  await live(world, [node], 29);
  expect(world.kept()).toBe(29);
  await live(world, [node], 21);
  expect(world.kept()).toBeGreaterThanOrEqual(30);
  expect(world.kept()).toBeLessThanOrEqual(31);
  expect(node.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 0 });
  expect(warnings(world)).toEqual([]);
});

test('a clock that leaps 60 days ahead takes nothing at once, says so, and its days twice as fast', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a');
  await live(world, [node], 20);
  world.clock.move(60 * dayMs);
  await node.retention.purge();
  await node.retention.purge();
  expect(world.kept()).toBe(20);
  expect(node.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 60 * dayMs });
  expect(warnings(world)).toMatchObject([{ fields: { clockAheadMs: 60 * dayMs } }]);
  // Over a long weekend its oldest are six days older, as far as retention goes.
  await live(world, [node], 3);
  expect(world.kept()).toBe(23);
  await live(world, [node], 4);
  expect(world.kept()).toBe(27 - 4);
  // Put right again, before it has caught up: from here on the log's time goes slower.
  world.clock.move(-60 * dayMs);
  const kept = world.kept();
  await live(world, [node], 2);
  expect(world.kept()).toBeGreaterThan(kept);
});

test('a start takes nothing young either, however often it is tried', async () => {
  const world = makeWorld();
  {
    await using node = await world.openNode('a');
    await live(world, [node], 20);
  }
  world.clock.move(60 * dayMs);
  for (let round = 0; round < 50; round += 1) {
    await using node = await world.openNode('a');
    await node.retention.purge();
  }
  expect(world.kept()).toBe(20);
});

test('a person’s word is believed at once, as far as the clock shows it', async () => {
  const world = makeWorld();
  {
    await using node = await world.openNode('a');
    await live(world, [node], 20);
  }
  world.clock.move(20 * dayMs);
  const confirmedTime = start + 30 * dayMs * 1000;
  await using told = await world.openNode('a', { confirmedTime });
  // To the 30th day all is young; the word says no more than that.
  expect(world.kept()).toBe(20);
  expect(told.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 10 * dayMs });
  await using later = await world.openNode('a', { confirmedTime: start + 300 * dayMs * 1000 });
  expect(later.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 0 });
  expect(world.kept()).toBe(20 - 10);
});

test('a log whose node was off for months gets to its end, and one that was off for a night at once', async () => {
  const world = makeWorld();
  {
    await using node = await world.openNode('a');
    await live(world, [node], 20);
  }
  world.clock.move(8 * hourMs);
  await using morning = await world.openNode('a');
  expect(morning.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 0 });
  world.clock.move(90 * dayMs);
  await using node = await world.openNode('a');
  await live(world, [node], 20);
  // Those of before are gone: thirty days of the log's time are fifteen of ours.
  expect(world.kept()).toBeLessThanOrEqual(20);
  await live(world, [node], 80);
  expect(node.retention.stateOf(defaultProject)).toMatchObject({ clockAheadMs: 0 });
  expect(world.kept()).toBeLessThanOrEqual(31);
});

test('a clock that falls back keeps nothing for ever, and erases nothing when it is right again', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a');
  await live(world, [node], 20);
  world.clock.move(-365 * dayMs);
  await live(world, [node], 5);
  expect(world.kept()).toBe(25);
  expect(warnings(world)).toMatchObject([{ fields: { clockAheadMs: expect.any(Number) } }]);
  world.clock.move(365 * dayMs);
  await live(world, [node], 1);
  expect(world.kept()).toBe(26);
  // And where it stays wrong, the log is kept twice as long at most.
  world.clock.move(-365 * dayMs);
  await live(world, [node], 100);
  expect(world.kept()).toBeLessThanOrEqual(62);
});

test('a project keeps less than all where its quotas say so, and never more', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a', { eventsMax: 50 });
  world.limit({ retentionDays: 10 });
  await live(world, [node], 40);
  expect(world.kept()).toBeLessThanOrEqual(11);
  expect(world.kept()).toBeGreaterThanOrEqual(10);
  world.limit({ eventsKept: 4 });
  await node.retention.purge();
  expect(world.kept()).toBe(4);
  world.limit({ eventsKept: 1000, retentionDays: 3650 });
  await live(world, [node], 100);
  expect(world.kept()).toBeLessThanOrEqual(31);
});

test('several nodes are no faster than one', async () => {
  const world = makeWorld();
  await using a = await world.openNode('a');
  await using b = await world.openNode('b');
  await using c = await world.openNode('c');
  await live(world, [a, b, c], 20);
  world.clock.move(60 * dayMs);
  await live(world, [a, b, c], 4);
  expect(world.kept()).toBe(24);
  const ahead = a.retention.stateOf(defaultProject)?.clockAheadMs ?? 0;
  expect(ahead).toBeGreaterThanOrEqual(56 * dayMs);
  expect(ahead).toBeLessThan(57 * dayMs);
});

test('the log is bounded in bytes, also where its events are few and large', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a', { bytesMax: 20_000 });
  for (let hour = 0; hour < 200; hour += 1) {
    await node.eventLog.append(Array.from({ length: 10 }, () => sampleEvent()));
    world.pass(hourMs);
    await node.retention.purge();
    expect(node.retention.stateOf(defaultProject)?.bytes ?? 0).toBeLessThanOrEqual(20_000 + 3000);
  }
  expect(world.kept()).toBeGreaterThan(50);
  expect(world.kept()).toBeLessThan(80);
});

test('the audit goes by its own age in the time of the log, whatever leaps', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a');
  const old = sampleAuditEntry({ time: start });
  const young = sampleAuditEntry({ time: start + 20 * dayMs * 1000 });
  world.audit.push([old, young]);
  world.clock.move(60 * dayMs);
  await node.retention.purge();
  expect(world.audit.entries).toEqual([old, young]);
  world.clock.move(-60 * dayMs);
  await live(world, [node], 41);
  expect(world.audit.entries).toEqual([young]);
});

test('of each project the oldest of too many entries go, and those of none', async () => {
  const world = makeWorld();
  await using node = await world.openNode('a');
  const entries = Array.from({ length: 8 }, () => sampleAuditEntry({ time: start }));
  const ofNone = entries.slice(0, 6).map(() => sampleAuditEntry({ time: start, project: null }));
  world.audit.push([...entries, ...ofNone]);
  await node.retention.purge();
  expect(world.audit.entries).toEqual([...entries.slice(3), ...ofNone.slice(1)]);
});
