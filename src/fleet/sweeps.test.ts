import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { AppError } from '../core/errors.ts';
import { projectRef } from '../core/project.ts';
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

test('with the database away nothing is swept, and nobody is lost', async () => {
  const asked = Promise.withResolvers<void>();
  const done: string[] = [];
  let sweeps = 0;
  const rows = {
    sweep: async () => {
      sweeps += 1;
      if (sweeps === 3) asked.resolve();
      throw new AppError('unavailable', 'the database is away');
    },
    overdue: async () => {
      done.push('overdue');
      return { nodes: [overdue(1)], counts: new Map() };
    },
  } as unknown as SessionRows;
  const logger = keepingLogger();
  await using _sweeps = new Sweeps({
    ...{ rows, logger, clock: { now: () => 0 } },
    goneNodes: { lose: async (id) => void done.push(id) },
    expire: async (_, id) => void done.push(id),
    limits: { sweepEveryMs: 1, missedSweeps: 3, brakeFrom: 3, expiredAtOnceMax: 10 },
  });
  await asked.promise;
  expect(done).toEqual([]);
  expect(logger.lines).toEqual([]);
});
