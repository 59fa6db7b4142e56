/**
 * Where everything of the picture stands: hosts with their ports on one side, processes with their descriptors on the
 * other, and the wires between them. All boxes have rows of one height, so that a wire is known without looking at the
 * document. What is drawn one by one for a few connections is drawn in groups for many: the picture stays as large as a
 * page, and costs as much.
 */
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import { listeningId } from './facts.ts';

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

export interface Wire {
  /** What it belongs to: of a connection, or of a host and a process. */
  readonly key: string;
  readonly ids: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly state: 'open' | 'half_closed' | 'session';
}

export interface Picture {
  readonly scale: Scale;
  readonly hosts: readonly HostBox[];
  readonly more: { readonly hosts: number; readonly connections: number } | null;
  readonly processes: readonly ProcessBox[];
  readonly wires: readonly Wire[];
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
/** The control plane, above the workers. */
export const parentHeight = 76;

const eachMax = 60;
const hostsScaleMax = 1000;
const hostsMax = { each: eachMax, hosts: 40, totals: 20 };
const runsMax = 12;
/** Of those that have closed, so that one sees a descriptor become free. */
const freedMax = 4;

export function layOut(scene: PictureScene): Picture {
  const { openCount } = scene;
  const scale = openCount <= eachMax ? 'each' : openCount <= hostsScaleMax ? 'hosts' : 'totals';
  const freed = scale === 'each' ? lastFreed(scene) : [];
  const { hosts, more } = hostBoxes(scale, scene, freed);
  const processes = processBoxes(scale, scene, freed);
  const wires = scale === 'totals' ? [] : wiresOf(hosts, processes, scene.listener);
  const ends = [...hosts, ...processes].map(({ top, height }) => top + height);
  const moreHeight = more === null ? 0 : hostHead + boxGap;
  const hostsEnd = (hosts.at(-1)?.top ?? 0) + (hosts.at(-1)?.height ?? 0) + moreHeight;
  return {
    scale,
    hosts,
    more,
    processes,
    wires,
    height: Math.max(hostsEnd, ...ends, parentHeight),
  };
}

/** Whose descriptor nobody has taken since, in a process that is there still. */
function lastFreed(scene: PictureScene): ConnectionView[] {
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

const byAddress = new Intl.Collator('en', { numeric: true });

function hostBoxes(scale: Scale, { open }: PictureScene, freed: readonly ConnectionView[]) {
  const byHost = Map.groupBy([...open, ...freed], ({ raddr }) => raddr?.ip ?? null);
  const ranked = [...byHost];
  // A few are found by their address, many by how much they have.
  if (scale === 'each') ranked.sort(([one], [other]) => byAddress.compare(one ?? '', other ?? ''));
  else ranked.sort(([, one], [, other]) => other.length - one.length);
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
    top += height + boxGap;
    return box;
  });
  const connections = left.reduce((sum, [, some]) => sum + some.length, 0);
  return { hosts, more: left.length === 0 ? null : { hosts: left.length, connections } };
}

function processBoxes(
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

function wiresOf(
  hosts: readonly HostBox[],
  processes: readonly ProcessBox[],
  listener: ListenerView,
): Wire[] {
  const rowTops = new Map<string, number>();
  for (const { pid, rows, top } of processes) {
    rows.forEach((row, at) => {
      const middle = top + processHead + (at + 0.5) * rowHeight;
      if (row.kind === 'listening') rowTops.set(row.id, middle);
      else if (row.kind === 'accepted') rowTops.set(row.connection.id, middle);
      // Wires of a group go to its first run.
      else if (row.kind === 'run' && !rowTops.has(`pid:${pid}`)) rowTops.set(`pid:${pid}`, middle);
    });
  }
  const isUdp = listener.protocol === 'udp';
  return hosts.flatMap(({ ip, rows, top }) =>
    rows.flatMap((row, at): Wire[] => {
      if (row.kind === 'ports') return groupWires(ip, row.connections, top + hostHead / 2, rowTops);
      const { connection } = row;
      if (connection.state === 'closed') return [];
      const to = rowTops.get(isUdp ? listeningId(connection) : connection.id);
      if (to === undefined) return [];
      const from = top + hostHead + (at + 0.5) * rowHeight;
      const state = isUdp ? 'session' : connection.state === 'open' ? 'open' : 'half_closed';
      return [{ key: connection.id, ids: [connection.id], from, to, width: 1.5, state }];
    }),
  );
}

/** One for each process that has connections of the host, as wide as they are many. */
function groupWires(
  ip: string | null,
  connections: readonly ConnectionView[],
  from: number,
  rowTops: ReadonlyMap<string, number>,
): Wire[] {
  const isUdp = connections[0]?.protocol === 'udp';
  const groups = Map.groupBy(connections, (one) => (isUdp ? listeningId(one) : `pid:${one.pid}`));
  return [...groups].flatMap(([target, some]) => {
    const to = rowTops.get(target);
    if (to === undefined) return [];
    const width = Math.min(12, 1 + Math.log2(some.length) * 1.2);
    const ids = some.map(({ id }) => id);
    const state = isUdp ? ('session' as const) : ('open' as const);
    return [{ key: `${ip}>${target}`, ids, from, to, width, state }];
  });
}

/** A curve from the left edge to the right one, in a box 100 wide. */
export function wirePath({ from, to }: Wire): string {
  return `M0,${from} C50,${from} 50,${to} 100,${to}`;
}
