/** The boxes of the picture: hosts with their ports, processes with their descriptors, and how high each of them is. */
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import { byAddress, listeningId } from './facts.ts';

export type Scale = 'each' | 'hosts' | 'totals';

export interface ClientRow {
  readonly kind: 'client';
  readonly connection: ConnectionView;
}
/** A host whose clients are not drawn one by one. */
export interface PortsRow {
  readonly kind: 'ports';
  readonly connections: readonly ConnectionView[];
}
export interface HostBox {
  /** Null where the system no longer told the address. */
  readonly ip: string | null;
  readonly rows: readonly (ClientRow | PortsRow)[];
  readonly top: number;
  readonly height: number;
}

export interface ListeningRow {
  readonly kind: 'listening';
  readonly id: string;
  readonly fd: number;
  /** Of UDP, whose sessions have no socket of their own. */
  readonly sessions: number;
}
export interface AcceptedRow {
  readonly kind: 'accepted' | 'freed';
  readonly connection: ConnectionView;
}
/** Descriptors that follow one another. */
export interface RunRow {
  readonly kind: 'run';
  readonly from: number;
  readonly to: number;
  readonly count: number;
}
export interface TotalRow {
  readonly kind: 'total';
  readonly open: number;
  readonly halfClosed: number;
  /** Of the process that has the most. */
  readonly share: number;
}
export interface MoreRow {
  readonly kind: 'more';
  readonly count: number;
}
export type FdRow = ListeningRow | AcceptedRow | RunRow | TotalRow | MoreRow;

export interface ProcessBox {
  readonly pid: number;
  readonly rows: readonly FdRow[];
  readonly top: number;
  readonly height: number;
}

export interface PictureScene {
  readonly listener: ListenerView;
  /** Of this listener, in order of accept. */
  readonly open: readonly ConnectionView[];
  readonly closed: readonly ConnectionView[];
  /** Whatever else runs, such as a worker that has no connection. */
  readonly pids: readonly number[];
  /** There may be more than the page knows of. */
  readonly openCount: number;
}

/** In pixels, as the style has them. */
export const rowHeight = 26;
export const hostHead = 32;
export const processHead = 58;
export const boxTail = 8;
export const boxGap = 14;
/** Between hosts that are a line each. */
export const lineGap = 6;
/** The control plane, above the workers. */
export const parentHeight = 76;

export const eachMax = 60;
export const hostsScaleMax = 1000;
const hostsMax = { each: eachMax, hosts: 40, totals: 20 };
const runsMax = 12;
/** Of those that have closed, so that one sees a descriptor become free. */
const freedMax = 4;

/** Whose descriptor nobody has taken since, in a process that is there still. */
export function lastFreed(scene: PictureScene): ConnectionView[] {
  const { listener, open, closed } = scene;
  if (listener.protocol === 'udp') return [];
  const there = pidsOf(scene);
  const taken = new Set(open.map(socketKey));
  const freed: ConnectionView[] = [];
  for (let at = closed.length - 1; at >= 0 && freed.length < freedMax; at--) {
    const connection = closed[at];
    if (connection === undefined || !there.has(connection.pid)) continue;
    if (taken.has(socketKey(connection))) continue;
    taken.add(socketKey(connection));
    freed.push(connection);
  }
  return freed.reverse();
}

function pidsOf({ listener, open, pids }: PictureScene): Set<number> {
  return new Set([...[...listener.sockets, ...open].map(({ pid }) => pid), ...pids]);
}

function socketKey({ pid, fd }: ConnectionView): string {
  return `${pid}:${fd}`;
}

type Ranked = readonly [ip: string | null, connections: readonly ConnectionView[]];

function mostFirst([ip, one]: Ranked, [otherIp, other]: Ranked): number {
  return other.length - one.length || byAddress.compare(ip ?? '', otherIp ?? '');
}

export function hostBoxes(scale: Scale, { open }: PictureScene, freed: readonly ConnectionView[]) {
  const byHost = Map.groupBy([...open, ...freed], ({ raddr }) => raddr?.ip ?? null);
  const ranked = [...byHost];
  // A few are found by their address, many by how much they have.
  if (scale === 'each') ranked.sort(([one], [other]) => byAddress.compare(one ?? '', other ?? ''));
  else ranked.sort(mostFirst);
  const shown = ranked.slice(0, hostsMax[scale]);
  const left = ranked.slice(hostsMax[scale]);
  let top = 0;
  const hosts = shown.map(([ip, connections]): HostBox => {
    const rows: HostBox['rows'] =
      scale === 'each'
        ? connections.map((connection) => ({ kind: 'client', connection }))
        : [{ kind: 'ports', connections }];
    const height = scale === 'each' ? hostHead + rows.length * rowHeight + boxTail : hostHead + 2;
    const box = { ip, rows, top, height };
    top += height + (scale === 'each' ? boxGap : lineGap);
    return box;
  });
  const connections = left.reduce((sum, [, some]) => sum + some.length, 0);
  return { hosts, more: left.length === 0 ? null : { hosts: left.length, connections } };
}

export function processBoxes(
  scale: Scale,
  scene: PictureScene,
  freed: readonly ConnectionView[],
): ProcessBox[] {
  const { listener, open } = scene;
  const byPid = Map.groupBy([...open, ...freed], ({ pid }) => pid);
  const most = Math.max(1, ...[...byPid.values()].map(({ length }) => length));
  let top = parentHeight;
  return [...pidsOf(scene)]
    .sort((one, other) => one - other)
    .map((pid) => {
      const connections = byPid.get(pid) ?? [];
      const rows = fdRows(scale, listener, pid, connections, connections.length / most);
      const height = processHead + rows.length * rowHeight + boxTail;
      const box = { pid, rows, top, height };
      top += height + boxGap;
      return box;
    });
}

function fdRows(
  scale: Scale,
  listener: ListenerView,
  pid: number,
  connections: readonly ConnectionView[],
  share: number,
): FdRow[] {
  const isUdp = listener.protocol === 'udp';
  const listening = listener.sockets
    .filter((socket) => socket.pid === pid)
    .map((socket): ListeningRow => {
      const sessions = isUdp ? connections.filter(({ fd }) => fd === socket.fd).length : 0;
      return { kind: 'listening', id: listeningId(socket), fd: socket.fd, sessions };
    });
  if (isUdp) return listening;
  if (scale === 'each') {
    const rows = connections.map(
      (connection): AcceptedRow => ({
        kind: connection.state === 'closed' ? 'freed' : 'accepted',
        connection,
      }),
    );
    return [...listening, ...rows].sort((one, other) => fdOf(one) - fdOf(other));
  }
  if (scale === 'hosts') return [...listening, ...runsOf(connections.map(({ fd }) => fd))];
  const halfClosed = connections.filter(({ state }) => state === 'half_closed').length;
  const open = connections.length - halfClosed;
  return [...listening, { kind: 'total', open, halfClosed, share }];
}

function fdOf(row: ListeningRow | AcceptedRow): number {
  return row.kind === 'listening' ? row.fd : row.connection.fd;
}

/** The descriptors as runs without a gap, in order. */
function runsOf(fds: readonly number[]): (RunRow | MoreRow)[] {
  const runs: { kind: 'run'; from: number; to: number; count: number }[] = [];
  for (const fd of fds.toSorted((one, other) => one - other)) {
    const last = runs.at(-1);
    if (last !== undefined && fd <= last.to + 1) {
      last.to = fd;
      last.count++;
    } else runs.push({ kind: 'run', from: fd, to: fd, count: 1 });
  }
  if (runs.length <= runsMax) return runs;
  const left = runs.slice(runsMax - 1).reduce((sum, { count }) => sum + count, 0);
  return [...runs.slice(0, runsMax - 1), { kind: 'more', count: left }];
}
