import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { passed, waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';
import { projectRef } from '../core/project.ts';
import type { NodeState } from './node.ts';
import type { OverdueNode, SessionRows } from './store.ts';
import { losable, Sweeps } from './sweeps.ts';

const [one, other] = [projectRef(1), projectRef(2)];

function overdue(ref: number, project = one, isLost = true): OverdueNode {
  return { id: `id-${ref}`, ref, name: `node-${ref}`, project, isLost };
}

const refsOf = (nodes: readonly OverdueNode[]) => nodes.map(({ ref }) => ref);

test('who is overdue for long is lost, who is not for long is not', () => {
  const { lost, suspended } = losable([overdue(1), overdue(2, one, false)], new Map([[one, 3]]), 3);
  expect({ lost: refsOf(lost), suspended }).toEqual({ lost: [1], suspended: [] });
});

test('of more than half of one owner’s nodes at once, three at least, none is lost', () => {
  const three = [overdue(1), overdue(2), overdue(3, one, false)];
  const brake = (count: number, nodes = three) => losable(nodes, new Map([[one, count]]), 3);
  expect(brake(5)).toEqual({ lost: [], suspended: [one] });
  expect(refsOf(brake(6).lost)).toEqual([1, 2]);
  expect(refsOf(brake(2, [overdue(1), overdue(2)]).lost)).toEqual([1, 2]);
});

test('one owner’s brake is not another’s', () => {
  const nodes = [overdue(1), overdue(2), overdue(3), overdue(4, other)];
  const counts = new Map([
    [one, 3],
    [other, 1],
  ]);
  const { lost, suspended } = losable(nodes, counts, 3);
  expect({ lost: refsOf(lost), suspended }).toEqual({ lost: [4], suspended: [one] });
});

const limits = {
  ...{ sweepEveryMs: 1, nodelessSweepMs: 3_600_000, missedSweeps: 3, brakeFrom: 3 },
  expiredAtOnceMax: 10,
};

/** Rows of these answers, and what is done with them. */
function sweeping(given: Partial<SessionRows>, failing: readonly string[] = []) {
  const done: string[] = [];
  const end = async (id: string) => {
    if (failing.includes(id)) throw new AppError('unavailable', 'too much at once');
    done.push(id);
  };
  const told: (() => void)[] = [];
  const logger = keepingLogger();
  const rows = {
    census: async () => new Map([['ready', 1]]),
    sweep: async () => true,
    overdue: async () => ({ nodes: [], counts: new Map() }),
    expired: async () => [],
    unended: async () => [],
    markLost: async () => undefined,
    onTaken: (callback: () => void) => {
      told.push(callback);
      return () => undefined;
    },
    ...given,
  } as unknown as SessionRows;
  const sweeps = new Sweeps({ rows, logger, clock: { now: () => 0 }, limits });
  sweeps.start({
    goneNodes: { lose: end },
    expire: (_, id) => end(id),
  });
  const take = () => {
    for (const callback of told) callback();
  };
  return { sweeps, done, logger, take, [Symbol.asyncDispose]: () => sweeps[Symbol.asyncDispose]() };
}

test('with the database away nothing is swept, and nobody is lost', async () => {
  const asked = Promise.withResolvers<void>();
  let sweeps = 0;
  await using world = sweeping({
    sweep: async () => {
      sweeps += 1;
      if (sweeps === 3) asked.resolve();
      throw new AppError('unavailable', 'the database is away');
    },
    overdue: async () => ({ nodes: [overdue(1)], counts: new Map([[one, 1]]) }),
  });
  await asked.promise;
  expect(world.done).toEqual([]);
  expect(world.logger.lines).toEqual([]);
});

test('what keeps one from its end keeps no other', async () => {
  const expired = ['one', 'two'].map((id) => ({ project: one, id }));
  await using world = sweeping(
    {
      overdue: async () => ({ nodes: [overdue(1), overdue(2)], counts: new Map([[one, 2]]) }),
      expired: async () => expired,
    },
    ['id-1', 'one'],
  );
  await waitFor('the last of them', () => world.done.includes('two'));
  expect(world.done.slice(0, 2)).toEqual(['id-2', 'two']);
  expect(world.logger.lines[0]).toMatchObject({ level: 'warn', fields: { failed: 1, of: 2 } });
});

test('where there is no node but built-in ones it is looked once, until a session begins', async () => {
  const asked: string[] = [];
  const swept = Promise.withResolvers<void>();
  let census = new Map<NodeState, number>([['removed', 3]]);
  await using world = sweeping({
    census: async () => {
      asked.push('census');
      return census;
    },
    sweep: async () => {
      asked.push('sweep');
      if (asked.length > 5) swept.resolve();
      return true;
    },
  });
  await waitFor('the first look', () => asked.length > 0);
  // Many turns of the time that sweeps are apart.
  await passed(50);
  expect(asked).toEqual(['census']);
  census = new Map([['ready', 1]]);
  world.take();
  await swept.promise;
  expect(asked.slice(0, 5)).toEqual(['census', 'census', 'sweep', 'census', 'sweep']);
  expect(world.sweeps.won).toBeGreaterThan(1);
});

test('each replica knows who is spared, and only who won the tick declares anybody lost', async () => {
  const three = [overdue(1), overdue(2), overdue(3), overdue(4, other)];
  const counts = new Map([
    [one, 3],
    [other, 1],
  ]);
  for (const isMine of [true, false]) {
    await using world = sweeping({
      sweep: async () => isMine,
      overdue: async () => ({ nodes: three, counts }),
    });
    const { sweeps, done, logger } = world;
    await waitFor('the brake', () => sweeps.suspended.length > 0);
    expect(sweeps.suspended).toEqual([one]);
    if (isMine) await waitFor('the loss', () => done.includes('id-4'));
    else await passed(20);
    expect(new Set(done)).toEqual(new Set(isMine ? ['id-4'] : []));
    expect(logger.lines.length > 0).toBe(isMine);
  }
});

test('that too many are overdue is told once, with names of theirs alone, and when it is over', async () => {
  let sweeps = 0;
  let nodes = [...Array.from({ length: 30 }, (_, at) => overdue(at)), overdue(99, other, false)];
  const counts = new Map([
    [one, 30],
    [other, 3],
  ]);
  await using world = sweeping({
    sweep: async () => {
      sweeps += 1;
      return true;
    },
    overdue: async () => ({ nodes, counts }),
  });
  const { logger } = world;
  await waitFor('many sweeps', () => sweeps > 20);
  const names = Array.from({ length: 20 }, (_, at) => `node-${at}`);
  const [line] = logger.lines;
  expect(line).toMatchObject({ fields: { overdue: 30, nodes: names } });
  expect(logger.lines).toEqual([line]);
  nodes = [];
  await waitFor('its end', () => logger.lines.length > 1);
  expect(logger.lines[1]).toMatchObject({ fields: { fleet_suspended: false } });
});
