/** What the record of a fleet says against what its clients saw: the invariants, each with the words for its breach. */
import { isDeepStrictEqual } from 'node:util';
import { all } from '../support/rest-client.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Visit } from './clients.ts';
import { type Fleet, lostAfterMs } from './fleet.ts';
import type { PlacedListener } from './fleet-churn.ts';
import type { FleetProject } from './fleet-project.ts';
import { aboutLoss, type Recorded } from './lost-echoes.ts';
import { compareLives, compareLogs, endsOf, initiators, ipOf, type Shown } from './verdict.ts';

export interface FleetVerdict {
  /** Empty when every invariant held. */
  readonly breaches: readonly string[];
  readonly visits: number;
  readonly echoed: number;
  readonly recorded: number;
  /** Got an echo, and their node's agent or worker was killed before their record was delivered. */
  readonly lost: number;
  readonly nodeLost: number;
  readonly events: number;
  readonly resumes: number;
  readonly kills: number;
  readonly updated: number;
  readonly accepted: number;
  readonly refused: number;
  readonly slowestMs: number;
}

const alikeMsMax = 10_000;

interface Judged extends Fleet {
  readonly project: FleetProject;
  readonly connections: readonly Shown[];
  readonly events: readonly Shown[];
  readonly placed: ReadonlyMap<string, PlacedListener>;
}

export async function judgeFleet(fleet: Fleet): Promise<FleetVerdict> {
  const verdicts: FleetVerdict[] = [];
  for (const project of fleet.projects) verdicts.push(await judgeProject(fleet, project));
  const sum = (field: Exclude<keyof FleetVerdict, 'breaches'>) =>
    verdicts.reduce((total, verdict) => total + verdict[field], 0);
  const processes = [...fleet.agents, ...fleet.replicas];
  return {
    breaches: [
      ...processes.flatMap(({ faults }) => faults),
      ...verdicts.flatMap(({ breaches }) => breaches),
    ],
    visits: sum('visits'),
    echoed: sum('echoed'),
    recorded: sum('recorded'),
    lost: sum('lost'),
    nodeLost: sum('nodeLost'),
    events: sum('events'),
    resumes: sum('resumes'),
    kills: processes.reduce((total, { kills }) => total + kills.length, 0),
    updated: sum('updated'),
    accepted: sum('accepted'),
    refused: sum('refused'),
    slowestMs: Math.max(...verdicts.map(({ slowestMs }) => slowestMs)),
  };
}

async function judgeProject(fleet: Fleet, project: FleetProject): Promise<FleetVerdict> {
  const { name, clients, listeners, readers, apis } = project;
  const [api, other] = apis;
  if (api === undefined || other === undefined) throw new TypeError('a fleet has two replicas');
  const connections: Shown[] = await all(api, '/v1/connections', 'connections');
  const events: Shown[] = await all(api, '/v1/events?afterSeq=0', 'events');
  const { confirmed, deleted, doubtful } = listeners;
  const placed = new Map([...confirmed, ...deleted, ...doubtful]);
  const judged = { ...fleet, project, connections, events, placed };
  const breaches = [...listeners.faults];
  if (!isDeepStrictEqual(connections, await all(other, '/v1/connections', 'connections'))) {
    breaches.push('the replicas show other connections');
  }
  const { breaches: ofVisits, lost } = compareVisits(judged);
  breaches.push(...ofVisits, ...compareLives(connections, events));
  for (const reader of readers) breaches.push(...reader.faults, ...compareLogs(events, reader));
  breaches.push(...(await compareListeners(judged)));
  return {
    breaches: breaches.map((breach) => `${name}: ${breach}`),
    visits: clients.visits.length,
    echoed: clients.visits.filter(({ receivedBytes }) => receivedBytes > 0).length,
    recorded: connections.length,
    lost,
    nodeLost: connections.filter(({ closeReason }) => closeReason === 'node_lost').length,
    events: events.length,
    resumes: readers.reduce((sum, reader) => sum + reader.resumes, 0),
    kills: 0,
    updated: listeners.updated,
    accepted: listeners.accepted,
    refused: listeners.refused,
    slowestMs: listeners.slowestMs,
  };
}

function compareVisits(judged: Judged): { breaches: string[]; lost: number } {
  const { project, connections, placed, agents } = judged;
  const { visits } = project.clients;
  const breaches: string[] = [];
  const byIp = Map.groupBy(connections, ipOf);
  const ips = new Set(visits.map(({ ip }) => ip));
  for (const ip of byIp.keys()) {
    if (!ips.has(ip)) breaches.push(`${ip} is on record and was not there`);
  }
  const recorded: Recorded[] = visits.flatMap((visit) => {
    const [record] = byIp.get(visit.ip) ?? [];
    return record === undefined ? [] : [{ visit, workerPid: record.pid }];
  });
  let lost = 0;
  for (const visit of visits) {
    const records = byIp.get(visit.ip) ?? [];
    if (records.length > 1) breaches.push(`${visit.ip} is on record ${records.length} times`);
    if (visit.isCorrupt) breaches.push(`${visit.ip} got back what it had not sent`);
    const [record] = records;
    if (record !== undefined) breaches.push(...compare(visit, record, judged));
    else if (visit.receivedBytes > 0) {
      const listener = placed.get(visit.listenerId);
      const kills = agents.find(({ name }) => name === listener?.node)?.kills ?? [];
      const breach = aboutLoss(visit, recorded, kills, listener?.recording ?? 'durable');
      if (breach === null || cameTooLate(visit, judged)) lost += 1;
      else breaches.push(`${breach} on ${listener?.node}`);
    }
  }
  return { breaches, lost };
}

/**
 * Whom a listener answers that was deleted while its node is away is told when the node is back. If it was lost until
 * then, the listener is closed on record: what comes after that is counted and dropped. Durable ones answer nobody there.
 */
function cameTooLate(
  { listenerId, firstEchoAt }: Visit,
  { project, placed, lost }: Judged,
): boolean {
  const listener = placed.get(listenerId);
  if (listener?.node !== lost?.name || listener?.recording !== 'batched') return false;
  const isDeleted = !project.listeners.confirmed.has(listenerId);
  const at = firstEchoAt ?? 0;
  return (
    isDeleted &&
    (lost?.troubles.some(({ from, to }) => from - deliveryMsMax < at && at < (to ?? Infinity)) ??
      false)
  );
}

function compare(visit: Visit, record: Shown, judged: Judged): string[] {
  const { closeReason: reason, closeInitiator: initiator, bytesIn, bytesOut } = record;
  const { project, placed, agents, lost } = judged;
  const about = `${visit.ip} ${visit.behaviour} (${record.id})`;
  const breaches: string[] = [];
  const expect = (isRight: boolean, what: string) => {
    if (!isRight) breaches.push(`${about} ${what}: ${JSON.stringify({ visit, record })}`);
  };
  const node = placed.get(visit.listenerId)?.node;
  const agent = agents.find(({ name }) => name === node);
  expect(record.state === 'closed', `is ${record.state}`);
  expect(initiators[reason] === initiator, `ended ${reason} by ${initiator}`);
  expect(record.listenerId === visit.listenerId, 'is of another listener');
  const kills = agent?.kills ?? [];
  if (reason === 'worker_crashed') {
    const isKilled = kills.some(({ workerPids }) => workerPids.includes(record.pid));
    expect(isKilled, 'ended worker_crashed, and nobody killed its worker');
  }
  if (reason === 'interrupted') {
    const isKilled = kills.some(({ what }) => what === 'agent');
    expect(isKilled, 'ended interrupted, and nobody killed its agent');
  }
  if (reason === 'node_lost') expect(mayBeLost(record, agent, judged), 'was not away for so long');
  if (reason === 'listener_deleted') {
    const isDeleted = !project.listeners.confirmed.has(visit.listenerId);
    expect(isDeleted, 'ended with a listener that is there');
  }
  if (visit.behaviour === 'stay' && agent === lost) {
    expect(reason === 'node_lost', 'stayed on a node that was lost');
    // One that was frozen ends it as it thaws, which may be when the client leaves.
    expect(visit.error === 'ECONNRESET', 'was not ended by its node');
  }
  if (reason === 'peer_rst' || reason === 'peer_fin') {
    const isOwn = visit.hasLeft && visit.error === null;
    if (isOwn) expect(reason === endsOf[visit.behaviour], `left, and ended ${reason}`);
  }
  // What was told last of those is on record; all others are exact.
  if (!['worker_crashed', 'interrupted', 'node_lost'].includes(reason)) {
    expect(bytesOut >= visit.receivedBytes, 'received more than the record says');
    expect(bytesIn <= visit.sentBytes, 'sent less than the record says');
    expect((record.firstByteAt === null) === (bytesIn === 0), 'has a wrong time of the first byte');
  }
  const isWhole = visit.sawEnd && visit.error === null && visit.behaviour !== 'reset';
  if (reason === 'peer_fin' && isWhole) {
    expect(bytesOut === visit.receivedBytes && bytesIn === visit.sentBytes, 'was cut short');
  }
  expect(Date.parse(record.closedAt) >= Date.parse(record.acceptedAt), 'ended before it began');
  return breaches.slice(0, 3);
}

/** Records lie with an agent for so long at most, where nothing is wrong. */
const deliveryMsMax = 1000;
/** What a node is ended early, and what lies between a heartbeat and its answer. */
const marginMs = 6000;
/** An agent that has failed several times waits for so long before it dials again. */
const redialMsMax = 30_000;
/** Longer than a trouble that does not lose a node. */
const troubleMsMax = 9000;

/**
 * Of a node that came for certain less than `lostAfterMs` before, with nothing wrong around it, nothing was lost; nor of
 * one that nothing was wrong with at all.
 */
function mayBeLost(
  { closedAt }: Shown,
  agent: AgentProcess | undefined,
  { replicas }: Judged,
): boolean {
  const at = Date.parse(closedAt);
  const dayOffset = Date.now() - performance.now();
  const wasInTrouble = (from: number, to: number) =>
    agent?.troubles.some(
      (one) => one.from + dayOffset <= to && (one.to ?? Infinity) + dayOffset >= from,
    ) ?? false;
  const arrivals = replicas
    .flatMap((one) => one.arrivals)
    .filter(({ node, at: cameAt }) => node === agent?.name && cameAt <= at)
    .filter(({ at: cameAt }) => !wasInTrouble(cameAt - troubleMsMax, cameAt + 1000));
  const cameJustNow = arrivals.some(({ at: cameAt }) => cameAt > at - (lostAfterMs - marginMs));
  return !cameJustNow && wasInTrouble(at - lostAfterMs - redialMsMax, at);
}

/** On either replica. A node that has just come back may be told of between the two reads: then it is read again. */
async function listenersOf({ apis }: FleetProject): Promise<[Shown[], Shown[]]> {
  const deadline = performance.now() + alikeMsMax;
  for (;;) {
    const [rows = [], others = []]: Shown[][] = await Promise.all(
      apis.map((api) => all(api, '/v1/listeners', 'listeners')),
    );
    if (isDeepStrictEqual(rows, others) || performance.now() > deadline) return [rows, others];
  }
}

/** What was confirmed is there, alike on both replicas, with its counts, and nothing that nobody was told of. */
async function compareListeners({ project, connections }: Judged): Promise<string[]> {
  const { confirmed, deleted, doubtful, unanswered } = project.listeners;
  const breaches: string[] = [];
  const [rows, others] = await listenersOf(project);
  if (!isDeepStrictEqual(rows, others)) {
    breaches.push(`the replicas show ${JSON.stringify(rows)} and ${JSON.stringify(others)}`);
  }
  const byListener = Map.groupBy(connections, ({ listenerId }) => listenerId);
  let unknown = 0;
  for (const { id, openConnections, totalConnections, labels, state } of rows) {
    const told = confirmed.get(id) ?? doubtful.get(id);
    if (deleted.has(id)) breaches.push(`listener ${id} was deleted and is there`);
    else if (told === undefined) unknown += 1;
    else if (!told.marks.includes(labels.mark)) {
      breaches.push(`listener ${id} has ${labels.mark}, and was told ${told.marks.join(', ')}`);
    }
    if (state !== 'listening') breaches.push(`listener ${id} is ${state}`);
    const total = byListener.get(id)?.length ?? 0;
    if (openConnections !== 0 || totalConnections !== total) {
      const counts = `${openConnections} open of ${totalConnections}`;
      breaches.push(`listener ${id} counts ${counts}, its history has ${total}`);
    }
  }
  if (unknown > unanswered) {
    breaches.push(`${unknown} listeners that nobody was told of, ${unanswered} unanswered`);
  }
  const ids = new Set(rows.map(({ id }) => id));
  for (const id of confirmed.keys()) {
    if (!ids.has(id)) breaches.push(`listener ${id} was confirmed and is gone`);
  }
  return breaches;
}
