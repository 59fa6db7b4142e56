import { expect, test } from 'vitest';
import { handClock, keepingLogger } from '../../test/support/samples.ts';
import type { EventLog } from './event-log.ts';
import { fairShare } from './fair-share.ts';
import type { PurgeRequest } from './log-keeping.ts';
import { type ProjectRef, projectRef } from './project.ts';
import { noTerms } from './quotas.ts';
import { Retention } from './retention.ts';
import type { ProjectStore } from './store.ts';

test.each([
  [[], 100],
  [[40, 60], 100],
  [[100], 100],
  [[101], 100],
  // Who has little keeps it, and who has much shares what is left.
  [[10, 500], 90],
  [[500, 10, 500], 45],
  [[500, 500, 500, 500], 25],
])('of amounts %j each may have %d, so that all have 100', (amounts, share) => {
  expect(fairShare(amounts, 100)).toBe(share);
  const sum = amounts.reduce((all, amount) => all + Math.min(amount, share), 0);
  expect(sum).toBeLessThanOrEqual(100);
});

interface Log {
  events: number;
  readonly bytesEach: number;
}

/** Logs of which only the sizes are there; a purge takes what is beyond its bounds at once. */
function sizedStore(logs: Map<ProjectRef, Log>, clock: ReturnType<typeof handClock>) {
  const of = (project: ProjectRef) => {
    const log = logs.get(project) ?? { events: 0, bytesEach: 0 };
    return {
      keeping: {
        age: async () => ({
          ...{ time: clock.now(), clock: clock.now(), bytes: log.events * log.bytesEach },
        }),
        purge: async ({ eventsMax, bytesMax }: PurgeRequest) => {
          log.events = Math.min(log.events, eventsMax, Math.floor(bytesMax / log.bytesEach));
          return { headSeq: log.events, oldestSeq: 1, hasMore: false };
        },
      },
    } as unknown as ProjectStore;
  };
  const projects = { all: async () => [...logs.keys()] } as never;
  const idempotencyKeeping = { purge: async () => false };
  return { of, projects, idempotencyKeeping, ping: async () => true };
}

function retentionOf(logs: Map<ProjectRef, Log>) {
  const clock = handClock(0);
  return new Retention({
    store: sizedStore(logs, clock),
    eventLog: { expireOf: () => undefined } as Partial<EventLog> as EventLog,
    projects: { termsOf: () => noTerms },
    audit: { purge: async () => undefined },
    ...{ clock, logger: keepingLogger(), confirmedTime: null, idempotencyTtlMs: 1000 },
    ...{ ageMs: 10 ** 9, eventsMax: 1000, bytesMax: 100_000 },
    ...{ intervalMs: 2 ** 31 - 1, purgeEventsMax: 100 },
  });
}

const [small, large, huge] = [projectRef(1), projectRef(2), projectRef(3)];

test('all projects keep no more bytes than the bound together, and who has little loses nothing', async () => {
  const logs = new Map([
    [small, { events: 10, bytesEach: 1000 }],
    [large, { events: 60, bytesEach: 1000 }],
    [huge, { events: 90, bytesEach: 1000 }],
  ]);
  await using retention = retentionOf(logs);
  for (let look = 0; look < 2; look += 1) await retention.purge();
  expect([...logs.values()].map(({ events }) => events)).toEqual([10, 45, 45]);
});

test('all projects keep no more events than the bound together, those of one that is gone not counted', async () => {
  const logs = new Map([
    [small, { events: 100, bytesEach: 1 }],
    [large, { events: 700, bytesEach: 1 }],
    [huge, { events: 900, bytesEach: 1 }],
  ]);
  await using retention = retentionOf(logs);
  for (let look = 0; look < 2; look += 1) await retention.purge();
  expect([...logs.values()].map(({ events }) => events)).toEqual([100, 450, 450]);
  logs.delete(large);
  logs.set(huge, { events: 900, bytesEach: 1 });
  for (let look = 0; look < 2; look += 1) await retention.purge();
  expect(logs.get(huge)?.events).toBe(900);
});
