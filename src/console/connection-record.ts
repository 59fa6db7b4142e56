/** One connection as the page knows it: its record and its events, read anew as it goes on, and its neighbours of the same pair. */
import { useEffect, useState } from 'preact/hooks';
import type { ConnectionView, EventView } from '../http/resources.ts';
import { type Api, CallFailure, type Problem } from './api.ts';
import { connectionThen } from './connection-then.ts';
import { useConsole } from './console-context.ts';

export interface ConnectionRecord {
  /** At the playhead; null where it had not opened yet. Undefined until it is known. */
  readonly connection: ConnectionView | null | undefined;
  readonly events: readonly EventView[];
  readonly problem: Problem | null;
  readonly again: () => void;
}

interface Told {
  readonly connection?: ConnectionView;
  readonly events: readonly EventView[];
  readonly problem: Problem | null;
}

interface Connections {
  readonly connections: readonly ConnectionView[];
  readonly nextPageToken?: string;
}

/** The counters of one that is open are on record within so long. */
const refreshMs = 3000;

export function useConnectionRecord(id: string): ConnectionRecord {
  const { api, log, state, timeline } = useConsole();
  const [told, setTold] = useState<Told>({ events: [], problem: null });
  const [turn, setTurn] = useState(0);
  const { seq, event } = state.value;
  const now = log.timeline.connectionAt(id, log.timeline.headSeq);
  const then = timeline.value.connectionAt(id, seq);
  const stage = now?.state;
  useEffect(() => {
    const end = new AbortController();
    readRecord(api, id, end.signal).then(
      (read) => setTold(read),
      (error) => {
        if (end.signal.aborted) return;
        if (!(error instanceof CallFailure)) throw error;
        setTold((before) => ({ ...before, problem: error.problem }));
      },
    );
    return () => end.abort();
  }, [api, id, stage, turn]);
  const again = () => setTurn((one) => one + 1);
  const isOver = told.connection?.state === 'closed';
  useEffect(() => {
    if (isOver) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [isOver]);
  const isNow = seq >= log.timeline.headSeq;
  const latest = told.connection ?? now;
  // Of what the drawn window has nothing of the record tells how it was then.
  const was = then === undefined && latest ? connectionThen(latest, event?.time) : then;
  const connection = isNow ? latest : was;
  return { ...told, connection, again };
}

async function readRecord(api: Api, id: string, signal: AbortSignal): Promise<Told> {
  const [connection, { events }] = await Promise.all([
    api.get<ConnectionView>(`/v1/connections/${id}`, {}, signal),
    api.get<{ readonly events: readonly EventView[] }>('/v1/events', { connectionId: id }, signal),
  ]);
  return { connection, events, problem: null };
}

/** The one before and the one behind, of the same two hosts and the same local port; null where there is none. */
export interface Neighbours {
  readonly before: ConnectionView | null;
  readonly next: ConnectionView | null;
}

const pageSize = 1000;
const none: Neighbours = { before: null, next: null };

export function useNeighbours(connection: ConnectionView | null | undefined): Neighbours {
  const { api } = useConsole();
  const [found, setFound] = useState(none);
  const id = connection?.id;
  useEffect(() => {
    if (!connection?.raddr) return undefined;
    const end = new AbortController();
    findNeighbours(api, connection, end.signal).then(setFound, (error) => {
      // Without them the panel is whole: whoever asks again is told.
      if (!end.signal.aborted && !(error instanceof CallFailure)) throw error;
    });
    return () => end.abort();
  }, [api, id]);
  return found;
}

async function findNeighbours(
  api: Api,
  { id, acceptedAt, laddr, raddr }: ConnectionView,
  signal: AbortSignal,
): Promise<Neighbours> {
  const pair = { raddr: raddr?.ip, lport: laddr.port };
  const read = (query: object) =>
    api.get<Connections>('/v1/connections', { ...pair, ...query }, signal);
  const [earlier, later] = await Promise.all([
    read({ acceptedBefore: acceptedAt, pageSize: 1 }),
    read({ acceptedAfter: acceptedAt, pageSize }),
  ]);
  // The list begins with the newest: the next one is its last, if that is in this page.
  const others = later.connections.filter((one) => one.id !== id);
  const next = later.nextPageToken === undefined ? others.at(-1) : undefined;
  return { before: earlier.connections[0] ?? null, next: next ?? null };
}
