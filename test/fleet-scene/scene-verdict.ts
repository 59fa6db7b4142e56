/** The record of the scene against the accounts of its clients: each difference, in words. */
import { isDeepStrictEqual } from 'node:util';
import type { FleetProject } from '../chaos/fleet-project.ts';
import { compareLives, compareLogs, initiators, type Shown } from '../chaos/verdict.ts';
import { all } from '../support/rest-client.ts';
import type { Endpoint } from './ground.ts';
import type { Account } from './scene-clients.ts';

/** Which ends there may be at a site, beside that of a client that leaves. */
const otherEnds = { north: 'worker_crashed', south: null, west: 'node_lost' } as const;
/** Two processes read the time of day a moment apart. */
const slackMs = 1000;
const sweepMs = 5000;

export interface Judged {
  readonly account: Account;
  readonly record: Shown;
}

export interface SceneVerdict {
  readonly breaches: readonly string[];
  readonly judged: readonly Judged[];
}

export async function judgeScene(
  projects: readonly FleetProject[],
  accounts: readonly Account[],
): Promise<SceneVerdict> {
  const breaches: string[] = [];
  const judged: Judged[] = [];
  for (const project of projects) {
    const own = accounts.filter(({ listener }) => listener.project === project.name);
    const verdict = await judgeProject(project, own);
    breaches.push(...verdict.breaches.map((breach) => `${project.name}: ${breach}`));
    judged.push(...verdict.judged);
  }
  return { breaches, judged };
}

async function judgeProject(
  { apis, readers }: FleetProject,
  accounts: readonly Account[],
): Promise<SceneVerdict> {
  const [shown = [], other = []]: Shown[][] = await Promise.all(
    apis.map((api) => all(api, '/v1/connections', 'connections')),
  );
  const [events = [], otherEvents = []]: Shown[][] = await Promise.all(
    apis.map((api) => all(api, '/v1/events?afterSeq=0', 'events')),
  );
  const breaches = [...compareLives(shown, events)];
  if (!isDeepStrictEqual(shown, other)) breaches.push('the replicas show other connections');
  if (!isDeepStrictEqual(events, otherEvents)) breaches.push('the replicas show other events');
  for (const reader of readers) breaches.push(...reader.faults, ...compareLogs(events, reader));
  const { judged, strays } = pair(accounts, shown);
  breaches.push(...strays, ...judged.flatMap(compare));
  return { breaches, judged };
}

/** By their addresses; what has the same ones, in the order in which it came. */
function pair(accounts: readonly Account[], records: readonly Shown[]) {
  const strays: string[] = [];
  const judged: Judged[] = [];
  const key = (listenerId: string, { ip, port }: Endpoint) => `${listenerId} ${ip}:${port}`;
  const byKey = Map.groupBy(records, ({ listenerId, raddr }) => key(listenerId, raddr));
  const ofAccounts = Map.groupBy(accounts, ({ listener, seenAs }) => key(listener.id, seenAs));
  for (const [who, own] of ofAccounts) {
    const theirs = (byKey.get(who) ?? []).toSorted((a, b) =>
      a.acceptedAt < b.acceptedAt ? -1 : 1,
    );
    byKey.delete(who);
    // Of `durable` ones whose worker was killed only those that were echoed are there for certain.
    const expected =
      theirs.length === own.length ? own : own.filter(({ echoedBytes }) => echoedBytes > 0);
    if (theirs.length !== expected.length) {
      strays.push(`${who} came ${own.length} times: ${JSON.stringify({ own, theirs })}`);
      continue;
    }
    for (const [at, account] of expected.entries()) judged.push({ account, record: theirs[at] });
  }
  for (const [who, theirs] of byKey) strays.push(`${who} was not there: ${JSON.stringify(theirs)}`);
  return { judged, strays };
}

function compare({ account, record }: Judged): string[] {
  const { closeReason: reason, bytesIn, bytesOut, laddr, raddr, state } = record;
  const breaches: string[] = [];
  const expect = (isRight: boolean, what: string) => {
    if (!isRight) breaches.push(`${what}: ${JSON.stringify({ account, record })}`);
  };
  const [acceptedAt, closedAt] = [Date.parse(record.acceptedAt), Date.parse(record.closedAt)];
  const endedAt = account.endedAt ?? Number.NaN;
  expect(state === 'closed', `is ${state}`);
  expect(record.closeInitiator === initiators[reason], `was ended by ${record.closeInitiator}`);
  expect(isDeepStrictEqual(laddr, account.remote), 'has another local address');
  expect(isDeepStrictEqual(raddr, account.seenAs), 'has another remote address');
  expect(!account.isCorrupt, 'got back what it had not sent');
  expect(acceptedAt >= account.begunAt - slackMs, 'was accepted before it came');
  expect(acceptedAt <= closedAt, 'ended before it began');
  expect(bytesIn <= account.sentBytes, 'sent less than the record says');
  if (reason === 'peer_fin') {
    expect(account.hasLeft && account.sawEnd && account.error === null, 'did not leave by itself');
    const isWhole = bytesIn === account.sentBytes && bytesOut === account.echoedBytes;
    expect(isWhole && bytesIn === bytesOut, 'has other bytes');
    expect(closedAt <= endedAt + slackMs, 'ended later than its client saw');
  } else {
    expect(reason === otherEnds[account.listener.site], `ended ${reason}`);
  }
  // Who is beside the node; others hear of it when packets pass again.
  if (reason === 'node_lost' && account.place === 'near') {
    expect(endedAt <= closedAt + sweepMs, 'lived longer than the record says');
  }
  return breaches;
}
