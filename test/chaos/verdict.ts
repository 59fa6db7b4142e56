/** What the record says against what the clients saw: the invariants, each with the words for its breach. */
import { all } from '../support/rest-client.ts';
import type { Clients, Visit } from './clients.ts';
import type { Crash, KodamaProcess } from './kodama-process.ts';
import type { LogReader } from './log-reader.ts';
import type { ListenerChurn } from './round.ts';

export interface Verdict {
  /** Empty when every invariant held. */
  readonly breaches: readonly string[];
  readonly visits: number;
  readonly echoed: number;
  readonly recorded: number;
  /** Got an echo, and were open in the last uncommitted batch when the control plane was killed. */
  readonly lostAtCrash: number;
  readonly events: number;
  readonly resumes: number;
  readonly crashes: number;
}

/** A record that is missing must be of a connection that ended with, or began just before, a crash. */
const lastBatchMs = 3000;
const initiators: Readonly<Record<string, string>> = {
  peer_fin: 'peer',
  peer_rst: 'peer',
  listener_deleted: 'operator',
  shutdown: 'system',
  worker_crashed: 'system',
  interrupted: 'system',
};

interface Round {
  readonly target: KodamaProcess;
  readonly clients: Clients;
  readonly listeners: ListenerChurn;
  readonly reader: LogReader;
}

export async function judge({ target, clients, listeners, reader }: Round): Promise<Verdict> {
  const breaches = [...reader.faults];
  const connections = await all(target, '/v1/connections', 'connections');
  const events = await all(target, '/v1/events?afterSeq=0', 'events');
  const byIp = Map.groupBy(connections, (connection) => connection.raddr.ip as string);
  const lives = Map.groupBy(
    events.filter((event) => event.connectionId !== undefined && event.connectionId !== null),
    (event) => event.connectionId as string,
  );

  let lostAtCrash = 0;
  for (const visit of clients.visits) {
    const records = byIp.get(visit.ip) ?? [];
    if (records.length > 1) breaches.push(`${visit.ip} is on record ${records.length} times`);
    if (visit.isCorrupt) breaches.push(`${visit.ip} got back what it had not sent`);
    const [record] = records;
    if (record === undefined) {
      if (visit.receivedBytes === 0) continue;
      if (wasInLastBatch(visit, target.crashes)) lostAtCrash += 1;
      else breaches.push(`${visit.ip} got an echo and is not on record: ${JSON.stringify(visit)}`);
      continue;
    }
    breaches.push(...compare(visit, record));
  }
  for (const connection of connections) {
    const types = (lives.get(connection.id) ?? []).map((event) => event.type);
    const opened = types.filter((type) => type === 'connection_opened').length;
    const closed = types.filter((type) => type === 'connection_closed').length;
    if (opened !== 1 || closed !== 1 || types.at(-1) !== 'connection_closed') {
      breaches.push(`connection ${connection.id} has the events ${types.join(', ')}`);
    }
  }
  breaches.push(...compareLogs(events, reader));
  const rows = await all(target, '/v1/listeners', 'listeners');
  for (const { id } of rows) {
    if (listeners.deleted.has(id)) breaches.push(`listener ${id} was deleted and is there`);
  }
  return {
    breaches,
    visits: clients.visits.length,
    echoed: clients.visits.filter((visit) => visit.echoed > 0).length,
    recorded: connections.length,
    lostAtCrash,
    events: events.length,
    resumes: reader.resumes,
    crashes: target.crashes.length,
  };
}

function wasInLastBatch(visit: Visit, crashes: readonly Crash[]): boolean {
  return crashes.some(
    ({ at }) => visit.begunAt < at && (visit.endedAt ?? Infinity) > at - lastBatchMs,
  );
}

// biome-ignore lint/suspicious/noExplicitAny: a connection as REST shows it
function compare(visit: Visit, record: any): string[] {
  const { closeReason: reason, closeInitiator: initiator, bytesIn, bytesOut } = record;
  const about = `${visit.ip} ${visit.behaviour}`;
  const breaches: string[] = [];
  if (record.state !== 'closed') breaches.push(`${about} is ${record.state}`);
  if (initiators[reason] !== undefined && initiators[reason] !== initiator) {
    breaches.push(`${about} ended ${reason} by ${initiator}`);
  }
  const isCrash = reason === 'worker_crashed' || reason === 'interrupted';
  // A lost worker's last counters are lost with it; all others are exact.
  if (!isCrash && bytesOut < visit.receivedBytes) {
    breaches.push(`${about} received ${visit.receivedBytes}, the record says ${bytesOut}`);
  }
  if (!isCrash && bytesIn > visit.sentBytes) {
    breaches.push(`${about} sent ${visit.sentBytes}, the record says ${bytesIn}`);
  }
  const isWhole = visit.sawEnd && visit.error === null && visit.behaviour !== 'reset';
  if (reason === 'peer_fin' && isWhole && bytesOut !== visit.receivedBytes) {
    breaches.push(`${about} saw ${visit.receivedBytes} of ${bytesOut} bytes and a clean end`);
  }
  return breaches;
}

function compareLogs(
  events: readonly { seq: number; type: string }[],
  reader: LogReader,
): readonly string[] {
  const breaches: string[] = [];
  events.forEach((event, index) => {
    if (event.seq !== index + 1)
      breaches.push(`event ${index + 1} of the log has seq ${event.seq}`);
  });
  if (events.length !== reader.events.length) {
    breaches.push(`the stream had ${reader.events.length} events, the log has ${events.length}`);
  }
  for (const seen of reader.events) {
    const kept = events[seen.seq - 1];
    if (kept?.type !== seen.type) {
      breaches.push(`the stream showed ${seen.seq} ${seen.type}, the log has ${kept?.type}`);
    }
  }
  return breaches.slice(0, 20);
}
