/** Whether the record holds exactly what a load did: each connection once, opened once, closed once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Kodama, ListenerView } from './kodama.ts';
import type { Rest } from './rest.ts';

interface ConnectionView {
  readonly id: string;
  readonly state: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

interface EventView {
  readonly seq: number;
  readonly type: string;
  readonly listenerId: string;
  readonly connectionId: string | null;
}

const bytes = 16;
const recordTimeoutMs = 20_000;
const pollMs = 20;

/**
 * Waits until the listener has had `total` connections, none is open, and all events that this makes are committed:
 * the log stands at least two events for each above `headSeq`, where it began, and rests.
 */
export async function untilRecorded(
  kodama: Pick<Kodama, 'rest' | 'status'>,
  listenerId: string,
  { total, headSeq }: { readonly total: number; readonly headSeq: number },
): Promise<void> {
  const deadline = performance.now() + recordTimeoutMs;
  for (let last = -1; ; ) {
    const view = await kodama.rest.get<ListenerView>(`/v1/listeners/${listenerId}`);
    const now = (await kodama.status()).headSeq;
    const isDone = view.totalConnections >= total && view.openConnections === 0;
    if (isDone && now >= headSeq + 2 * total && now === last) return;
    if (performance.now() > deadline) {
      const { openConnections, totalConnections } = view;
      throw new Error(`${total} made, ${totalConnections} on record, ${openConnections} open`);
    }
    last = now;
    await delay(pollMs);
  }
}

/** Null when all is as it should be; else what is not. */
export async function recordFault(
  rest: Rest,
  listenerId: string,
  afterSeq: number,
  made: number,
): Promise<string | null> {
  const view = await rest.get<ListenerView>(`/v1/listeners/${listenerId}`);
  if (view.totalConnections !== made) return `${view.totalConnections} of ${made} counted`;
  const ids = new Set<string>();
  for await (const connection of connectionsOf(rest, listenerId)) {
    const { id, state, bytesIn, bytesOut } = connection;
    if (state !== 'closed' || bytesIn !== bytes || bytesOut !== bytes) {
      return `${id} is ${state} with ${bytesIn} bytes in and ${bytesOut} out`;
    }
    ids.add(id);
  }
  if (ids.size !== made) return `${ids.size} of ${made} connections listed`;
  const opened = new Set<string>();
  const closed = new Set<string>();
  let last = afterSeq;
  for await (const { seq, type, connectionId } of eventsOf(rest, listenerId, afterSeq)) {
    if (seq <= last) return `seq ${seq} after ${last}`;
    last = seq;
    if (connectionId === null) continue;
    const seen =
      type === 'connection_opened' ? opened : type === 'connection_closed' ? closed : null;
    if (seen?.has(connectionId)) return `${type} twice for ${connectionId}`;
    seen?.add(connectionId);
  }
  const isComplete =
    opened.size === made && closed.size === made && [...ids].every((id) => closed.has(id));
  return isComplete ? null : `${opened.size} opened and ${closed.size} closed events of ${made}`;
}

async function* connectionsOf(rest: Rest, listenerId: string): AsyncGenerator<ConnectionView> {
  for (let token: string | undefined = ''; token !== undefined; ) {
    const place: string = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const page: { connections: ConnectionView[]; nextPageToken?: string } = await rest.get(
      `/v1/connections?listener=${listenerId}&pageSize=1000${place}`,
    );
    yield* page.connections;
    token = page.nextPageToken;
  }
}

async function* eventsOf(
  rest: Rest,
  listenerId: string,
  afterSeq: number,
): AsyncGenerator<EventView> {
  let token = '';
  for (;;) {
    const place = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const page = await rest.get<{ events: EventView[]; nextPageToken?: string }>(
      `/v1/events?afterSeq=${afterSeq}&pageSize=1000${place}`,
    );
    yield* page.events.filter((event) => event.listenerId === listenerId);
    if (page.nextPageToken === undefined) return;
    token = page.nextPageToken;
  }
}
