import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { AuditEntry } from '../core/audit.ts';
import { AppError } from '../core/errors.ts';
import { projectRef } from '../core/project.ts';
import { type RefusalLimits, Refusals, type Refused } from './refusals.ts';

const hour = 3_600_000;

function makeRefusals(limits: Partial<RefusalLimits> = {}) {
  const entries: AuditEntry[] = [];
  const logger = keepingLogger();
  const state = { isAway: false };
  const refusals = new Refusals({
    audit: {
      add: async (entry) => {
        if (state.isAway) throw new AppError('unavailable', 'the database is away');
        entries.push(entry);
      },
    },
    projectOf: async ({ project: name }) => {
      if (name.startsWith('no-')) throw new AppError('not_found', `no project ${name}`);
      return projectRef(7);
    },
    clock: { now: () => 5 },
    logger,
    limits: { refusalIntervalMs: hour, refusalsMax: 100, refusalsPerProjectMax: 100, ...limits },
  });
  return { refusals, entries, logger, state };
}

function refused(
  id: string,
  operation = 'createListener',
  requestId = 'first',
  project = 'team',
): Refused {
  return {
    caller: { actor: { kind: 'key', id, hint: null }, requestId, sourceIp: null, userAgent: null },
    project: { name: project, ref: null },
    ...{ operation, outcome: 'permission_denied' },
  };
}

test('of a key and an operation the first is told at once, the others in one entry', async () => {
  const { refusals, entries } = makeRefusals();
  refusals.tell(refused('a'));
  await waitFor('an entry', () => entries.length === 1);
  expect(entries[0]).toMatchObject({
    ...{ time: 5, count: 1, operation: 'createListener', outcome: 'permission_denied' },
    ...{ project: { ref: 7, name: 'team' }, resource: null, change: null },
  });
  for (let at = 0; at < 1000; at += 1) refusals.tell(refused('a', 'createListener', `${at}`));
  refusals.tell(refused('b'));
  refusals.tell(refused('a', 'createKey'));
  await waitFor('entries', () => entries.length === 3);
  await refusals[Symbol.asyncDispose]();
  expect(entries).toHaveLength(4);
  expect(entries[3]).toMatchObject({ count: 1000, caller: { requestId: '999' } });
});

test('in each interval there is one entry more, for as long as it goes on', async () => {
  const { refusals, entries } = makeRefusals({ refusalIntervalMs: 60 });
  await waitFor('entries', () => {
    refusals.tell(refused('a'));
    return entries.length >= 4;
  });
  const told = entries.reduce((sum, { count }) => sum + count, 0);
  await refusals[Symbol.asyncDispose]();
  expect(told).toBeGreaterThanOrEqual(entries.length - 1);
});

test('no more are counted than so many, and the rest is told of', async () => {
  const { refusals, entries, logger } = makeRefusals({ refusalsMax: 2 });
  for (const id of ['a', 'b', 'c', 'd', 'a']) refusals.tell(refused(id));
  await refusals[Symbol.asyncDispose]();
  expect(entries.map(({ caller }) => caller.actor.id)).toEqual(['a', 'b', 'a']);
  expect(logger.lines).toMatchObject([{ level: 'warn', fields: { refusals: 2 } }]);
});

test('those of one project leave room for those of others, and get it back', async () => {
  const { refusals, entries } = makeRefusals({ refusalsPerProjectMax: 2, refusalIntervalMs: 60 });
  for (const id of ['a', 'b', 'c']) refusals.tell(refused(id));
  refusals.tell(refused('d', 'createListener', 'first', 'other'));
  const ids = () => entries.map(({ caller }) => caller.actor.id);
  await waitFor('entries', () => entries.length === 3);
  expect(ids()).toEqual(['a', 'b', 'd']);
  await waitFor('room', () => {
    refusals.tell(refused('c'));
    return ids().includes('c');
  });
  await refusals[Symbol.asyncDispose]();
});

test('what an operator’s key is refused takes no place of the projects that it names, which need not be there', async () => {
  const { refusals, entries, logger } = makeRefusals({ refusalsPerProjectMax: 2 });
  const ofOperator = (id: string, project: string): Refused => {
    const { caller, ...of } = refused(id, 'createListener', 'first', project);
    return { ...of, caller: { ...caller, actor: { kind: 'operator', id, hint: null } } };
  };
  for (const project of ['team', 'no-such', 'no-other']) refusals.tell(ofOperator('o', project));
  refusals.tell(ofOperator('p', 'team'));
  for (const id of ['a', 'b', 'c']) refusals.tell(refused(id));
  await refusals[Symbol.asyncDispose]();
  const told = entries.map(({ caller, project }) => [caller.actor.id, project?.name ?? null]);
  expect(told.sort()).toEqual([
    ...[
      ['a', 'team'],
      ['b', 'team'],
    ],
    ...[
      ['o', null],
      ['o', 'team'],
      ['p', 'team'],
    ],
  ]);
  // Beyond the places are one of the operator's and one of the project's.
  expect(logger.lines).toMatchObject([{ level: 'warn', fields: { refusals: 2 } }]);
});

test('while the database is away they are told of in the log', async () => {
  const { refusals, entries, logger, state } = makeRefusals();
  state.isAway = true;
  refusals.tell(refused('a'));
  await waitFor('a line', () => logger.lines.length === 1);
  state.isAway = false;
  refusals.tell(refused('a'));
  await refusals[Symbol.asyncDispose]();
  expect(entries).toMatchObject([{ count: 1 }]);
});
