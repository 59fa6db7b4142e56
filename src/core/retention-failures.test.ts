/** A round of retention in which a part fails. */
import { expect, test } from 'vitest';
import { handClock, keepingLogger } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { type ProjectRef, projectRef } from './project.ts';
import { noTerms } from './quotas.ts';
import { Retention } from './retention.ts';
import type { ProjectStore } from './store.ts';

const projects = [1, 2, 3, 4].map(projectRef);
const away = () => new AppError('unavailable', 'away');
const clock = handClock(1_790_000_000_000_000);
const age = { time: clock.now(), clock: clock.now(), bytes: 0 };

/** The first round of a store that fails as it is told to, and what was looked at. */
async function makeRound(
  failures: ReadonlyMap<ProjectRef, Error>,
  { isAway = false, keysError = null as Error | null, gate = Promise.resolve() } = {},
) {
  const seen: string[] = [];
  const logger = keepingLogger();
  const of = (project: ProjectRef) =>
    ({
      keeping: {
        async age() {
          seen.push(`log ${project}`);
          await gate;
          const failure = failures.get(project);
          if (failure !== undefined) throw failure;
          return age;
        },
        purge: async () => ({ headSeq: 0, oldestSeq: 1, hasMore: false }),
      },
    }) as unknown as ProjectStore;
  const idempotencyKeeping = {
    async purge() {
      seen.push('keys');
      if (keysError !== null) throw keysError;
      return false;
    },
  };
  const ping = async () => {
    if (isAway) throw away();
    return true;
  };
  const retention = new Retention({
    store: { of, projects: { all: async () => projects } as never, idempotencyKeeping, ping },
    eventLog: { expireOf: () => undefined } as Partial<EventLog> as EventLog,
    projects: { termsOf: () => noTerms },
    audit: { purge: async () => void seen.push('audit') },
    ...{ clock, logger, confirmedTime: null, idempotencyTtlMs: 1000 },
    ...{ ageMs: 10 ** 9, eventsMax: 1000, bytesMax: 100_000 },
    ...{ intervalMs: 2 ** 31 - 1, purgeEventsMax: 100 },
  });
  return {
    ...{ seen, logger, purge: () => retention.purge() },
    [Symbol.asyncDispose]: () => retention[Symbol.asyncDispose](),
  };
}

const whole = ['keys', 'log 1', 'log 2', 'log 3', 'log 4', 'audit'];

test('a round looks at the keys of all projects once, and at the log of each', async () => {
  await using round = await makeRound(new Map());
  await waitFor('its end', () => round.seen.includes('audit'));
  expect(round.seen).toEqual(whole);
  expect(round.logger.lines).toEqual([]);
});

test('a project that was deleted meanwhile is passed over without a word', async () => {
  const gone = new AppError('not_found', 'gone');
  await using round = await makeRound(new Map([[projectRef(2), gone]]));
  await waitFor('its end', () => round.seen.includes('audit'));
  expect(round.seen).toEqual(whole);
  expect(round.logger.lines).toEqual([]);
});

test('what fails of some keeps nobody else from being purged, and is one line', async () => {
  const bug = new TypeError('a bug');
  const failures = new Map<ProjectRef, Error>([
    [projectRef(2), bug],
    // Such as of rows that somebody holds, while the store is there.
    [projectRef(3), away()],
  ]);
  await using round = await makeRound(failures, { keysError: new Error('of keys') });
  await waitFor('its line', () => round.logger.lines.length > 0);
  expect(round.seen).toEqual(whole);
  const message = 'of idempotency keys, project 2, project 3';
  const cause = { message: 'of keys' };
  expect(round.logger.lines).toMatchObject([
    { level: 'warn', fields: { err: { message, cause } } },
  ]);
});

test('an outage ends the round with one line', async () => {
  const failures = new Map(projects.slice(1).map((project) => [project, away()]));
  await using round = await makeRound(failures, { isAway: true });
  await waitFor('its line', () => round.logger.lines.length > 0);
  expect(round.seen).toEqual(['keys', 'log 1', 'log 2']);
  const err = { code: 'unavailable' };
  expect(round.logger.lines).toMatchObject([{ level: 'warn', fields: { err } }]);
});

test('where two in a row take too long the round ends, and the next one tries again', async () => {
  const failures = new Map(projects.slice(1).map((project) => [project, away()]));
  await using round = await makeRound(failures);
  await waitFor('its line', () => round.logger.lines.length > 0);
  const first = ['keys', 'log 1', 'log 2', 'log 3', 'audit'];
  expect(round.seen).toEqual(first);
  const err = { message: 'of project 2, project 3', cause: { code: 'unavailable' } };
  expect(round.logger.lines).toMatchObject([{ level: 'warn', fields: { err } }]);
  // Those that it did not come to are the first then.
  failures.delete(projectRef(4));
  await expect(round.purge()).rejects.toThrow('of project 2, project 3');
  const next = ['keys', 'log 4', 'log 1', 'log 2', 'log 3', 'audit'];
  expect(round.seen.slice(first.length)).toEqual(next);
});

test('who stops waits for what is under way, and for no other project', async () => {
  const gate = Promise.withResolvers<void>();
  const { seen, ...round } = await makeRound(new Map(), { gate: gate.promise });
  await waitFor('the first log', () => seen.length === 2);
  const stopped = round[Symbol.asyncDispose]();
  gate.resolve();
  await stopped;
  expect(seen).toEqual(['keys', 'log 1']);
});
