/** What the record says against what the clients saw: the invariants, each with the words for its breach. */
import { isDeepStrictEqual } from 'node:util';
import { all } from '../support/rest-client.ts';
import type { Visit } from './clients.ts';
import type { KodamaProcess } from './kodama-process.ts';
import type { GrpcReader, NdjsonReader } from './log-reader.ts';
import { aboutLoss, type Recorded } from './lost-echoes.ts';
import type { ChaosProject } from './project.ts';

export interface Verdict {
  /** Empty when every invariant held. */
  readonly breaches: readonly string[];
  readonly visits: number;
  readonly echoed: number;
  readonly recorded: number;
  /** Got an echo, and their opened record was not committed when their worker or control plane was killed. */
  readonly lost: number;
  readonly events: number;
  readonly resumes: number;
  readonly kills: number;
}

type ProjectVerdict = Omit<Verdict, 'kills'>;

export interface Judged {
  readonly target: KodamaProcess;
  readonly projects: readonly ChaosProject[];
  readonly recording: 'batched' | 'durable';
}

/** One project, and what is on record of it. */
interface JudgedProject extends ChaosProjectParts {
  readonly target: KodamaProcess;
  readonly recording: 'batched' | 'durable';
  readonly connections: readonly Shown[];
  readonly events: readonly Shown[];
}

type ChaosProjectParts = Pick<ChaosProject, 'name' | 'api' | 'clients' | 'listeners' | 'readers'>;

// biome-ignore lint/suspicious/noExplicitAny: a record as REST shows it
export type Shown = any;

export async function judge({ target, projects, recording }: Judged): Promise<Verdict> {
  const judged: JudgedProject[] = [];
  for (const { name, api, clients, listeners, readers } of projects) {
    const connections: Shown[] = await all(api, '/v1/connections', 'connections');
    const events: Shown[] = await all(api, '/v1/events?afterSeq=0', 'events');
    const parts = { name, api, clients, listeners, readers };
    judged.push({ ...parts, target, recording, connections, events });
  }
  // A worker tells all that it has in one row, whosever it is.
  const recorded = judged.flatMap(recordedOf);
  const verdicts: ProjectVerdict[] = [];
  for (const project of judged) verdicts.push(await judgeProject(project, recorded));
  const sum = (count: (verdict: ProjectVerdict) => number) =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    breaches: [...target.faults, ...verdicts.flatMap(({ breaches }) => breaches)],
    visits: sum(({ visits }) => visits),
    echoed: sum(({ echoed }) => echoed),
    recorded: sum((verdict) => verdict.recorded),
    lost: sum(({ lost }) => lost),
    events: sum(({ events }) => events),
    resumes: sum(({ resumes }) => resumes),
    kills: target.kills.length,
  };
}

function recordedOf({ clients, connections }: JudgedProject): Recorded[] {
  const visits = new Map(clients.visits.map((visit) => [visit.ip, visit]));
  return connections.flatMap((connection) => {
    const visit = visits.get(ipOf(connection));
    return visit === undefined ? [] : [{ visit, workerPid: connection.pid }];
  });
}

async function judgeProject(
  judged: JudgedProject,
  recorded: readonly Recorded[],
): Promise<ProjectVerdict> {
  const { target, clients, listeners, readers, connections, events, name } = judged;
  const breaches = [...listeners.faults];
  const ips = new Set(clients.visits.map(({ ip }) => ip));
  for (const connection of connections) {
    const ip = ipOf(connection);
    // A client of another project, too.
    if (!ips.has(ip)) breaches.push(`${ip} is on record and was not there`);
  }
  const byIp = Map.groupBy(connections, ipOf);
  let lost = 0;
  for (const visit of clients.visits) {
    const records = byIp.get(visit.ip) ?? [];
    if (records.length > 1) breaches.push(`${visit.ip} is on record ${records.length} times`);
    if (visit.isCorrupt) breaches.push(`${visit.ip} got back what it had not sent`);
    const [record] = records;
    if (record !== undefined) breaches.push(...compare(visit, record, judged));
    else if (visit.receivedBytes > 0) {
      const breach = aboutLoss(visit, recorded, target.kills, judged.recording);
      if (breach === null) lost += 1;
      else breaches.push(breach);
    }
  }
  breaches.push(...compareLives(connections, events));
  for (const reader of readers) breaches.push(...reader.faults, ...compareLogs(events, reader));
  breaches.push(...(await compareListeners(judged)));
  return {
    breaches: breaches.map((breach) => `${name}: ${breach}`),
    visits: clients.visits.length,
    echoed: clients.visits.filter(({ receivedBytes }) => receivedBytes > 0).length,
    recorded: connections.length,
    lost,
    events: events.length,
    resumes: readers.reduce((sum, reader) => sum + reader.resumes, 0),
  };
}

/** The system tells the address of each of our clients: one without is none of them. */
export function ipOf({ raddr }: Shown): string {
  return raddr?.ip ?? 'a peer without an address';
}

/** Which ends fit what a client did that left as it wanted; whoever was killed may have been faster. */
export const endsOf: Readonly<Record<Visit['behaviour'], string>> = {
  talk: 'peer_fin',
  half_close: 'peer_fin',
  linger: 'peer_fin',
  silent: 'peer_fin',
  reset: 'peer_rst',
  stay: 'peer_fin',
};
export const initiators: Readonly<Record<string, string>> = {
  peer_fin: 'peer',
  peer_rst: 'peer',
  listener_deleted: 'operator',
  worker_crashed: 'system',
  interrupted: 'system',
  node_lost: 'system',
};
/** Times of day of two processes, read a moment apart. */
const clockSlackMs = 50;

function compare(visit: Visit, record: Shown, { target, listeners }: JudgedProject): string[] {
  const { closeReason: reason, closeInitiator: initiator, bytesIn, bytesOut, pid } = record;
  const about = `${visit.ip} ${visit.behaviour} (${record.id})`;
  const breaches: string[] = [];
  const expect = (isRight: boolean, what: string) => {
    if (!isRight) breaches.push(`${about} ${what}: ${JSON.stringify({ visit, record })}`);
  };
  expect(record.state === 'closed', `is ${record.state}`);
  expect(initiators[reason] === initiator, `ended ${reason} by ${initiator}`);
  expect(record.listenerId === visit.listenerId, 'is of another listener');
  expect(record.laddr.port === visit.port, 'is of another port');
  const killed = target.kills.filter(({ workerPids }) => workerPids.includes(pid));
  const isKilled = reason === 'worker_crashed' || reason === 'interrupted';
  if (isKilled) expect(killed.length > 0, `ended ${reason}, and nobody killed its worker`);
  const isDeleted = !listeners.confirmed.has(visit.listenerId);
  if (reason === 'listener_deleted') expect(isDeleted, 'ended with a listener that is there');
  if (reason === 'peer_rst' || reason === 'peer_fin') {
    const isOwn = visit.hasLeft && visit.error === null;
    if (isOwn) expect(reason === endsOf[visit.behaviour], `left, and ended ${reason}`);
  }
  // A lost worker's last counters are lost with it; all others are exact.
  if (!isKilled) {
    expect(bytesOut >= visit.receivedBytes, 'received more than the record says');
    expect(bytesIn <= visit.sentBytes, 'sent less than the record says');
    expect((record.firstByteAt === null) === (bytesIn === 0), 'has a wrong time of the first byte');
  }
  const isWhole = visit.sawEnd && visit.error === null && visit.behaviour !== 'reset';
  if (reason === 'peer_fin' && isWhole) {
    expect(bytesOut === visit.receivedBytes && bytesIn === visit.sentBytes, 'was cut short');
  }
  const acceptedAt = Date.parse(record.acceptedAt);
  expect(acceptedAt >= visit.begunTime - clockSlackMs, 'was accepted before it came');
  expect(Date.parse(record.closedAt) >= acceptedAt - clockSlackMs, 'ended before it began');
  return breaches.slice(0, 3);
}

/** Exactly one opened and one closed event, in this order, and the closed one tells the final record. */
export function compareLives(connections: readonly Shown[], events: readonly Shown[]): string[] {
  const breaches: string[] = [];
  const isOfConnection = ({ connectionId }: Shown) => typeof connectionId === 'string';
  const lives = Map.groupBy(events.filter(isOfConnection), ({ connectionId }) => connectionId);
  for (const connection of connections) {
    const life = lives.get(connection.id) ?? [];
    lives.delete(connection.id);
    const types = life.map(({ type }) => type);
    const inner = types.slice(1, -1);
    const isWhole =
      types.length >= 2 && types[0] === 'connection_opened' && types.at(-1) === 'connection_closed';
    if (!isWhole || inner.length > 1 || inner.some((type) => type !== 'connection_half_closed')) {
      breaches.push(`connection ${connection.id} has the events ${types.join(', ')}`);
    } else if (!isDeepStrictEqual(life.at(-1).connection, connection)) {
      const closed = JSON.stringify(life.at(-1).connection);
      breaches.push(`the closed event is not the record: ${closed} ${JSON.stringify(connection)}`);
    }
  }
  for (const id of lives.keys()) breaches.push(`connection ${id} has events and no record`);
  return breaches.slice(0, 20);
}

export function compareLogs(events: readonly Shown[], reader: NdjsonReader | GrpcReader): string[] {
  const breaches: string[] = [];
  events.forEach((event, index) => {
    if (event.seq !== index + 1) breaches.push(`event ${index + 1} of the log is ${event.seq}`);
  });
  if (events.length !== reader.events.length) {
    breaches.push(`${reader.name} had ${reader.events.length} events, the log ${events.length}`);
  }
  for (const { seq, type, connectionId, value } of reader.events) {
    const kept = events[seq - 1];
    const isSame = kept?.type === type && (kept.connectionId ?? null) === connectionId;
    const isEqual = value === null || isDeepStrictEqual(kept, value);
    if (isSame && isEqual) continue;
    const [shown, has] = [value ?? { seq, type, connectionId }, kept].map((one) =>
      JSON.stringify(one),
    );
    breaches.push(`${reader.name} showed ${shown}, the log has ${has}`);
  }
  return breaches.slice(0, 20);
}

/** What was confirmed is there with its counts, and nothing is there that nobody was told of. */
async function compareListeners({ api, listeners, connections }: JudgedProject): Promise<string[]> {
  const { confirmed, deleted, doubtful } = listeners;
  const breaches: string[] = [];
  const rows: Shown[] = await all(api, '/v1/listeners', 'listeners');
  const byListener = Map.groupBy(connections, ({ listenerId }) => listenerId);
  let unknown = 0;
  for (const { id, openConnections, totalConnections } of rows) {
    if (deleted.has(id)) breaches.push(`listener ${id} was deleted and is there`);
    else if (!confirmed.has(id) && !doubtful.has(id)) unknown += 1;
    const total = byListener.get(id)?.length ?? 0;
    if (openConnections !== 0 || totalConnections !== total) {
      const counts = `${openConnections} open of ${totalConnections}`;
      breaches.push(`listener ${id} counts ${counts}, its history has ${total}`);
    }
  }
  if (unknown > listeners.unanswered) {
    breaches.push(
      `${unknown} listeners that nobody was told of, ${listeners.unanswered} unanswered`,
    );
  }
  const ids = new Set(rows.map(({ id }) => id));
  for (const id of confirmed.keys()) {
    if (!ids.has(id)) breaches.push(`listener ${id} was confirmed and is gone`);
  }
  return breaches;
}
