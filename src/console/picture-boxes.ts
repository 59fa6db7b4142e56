/** The boxes of the picture: hosts with their ports, processes with their descriptors, and how high each of them is. */
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import {
  descriptorKey,
  listeningId,
  listeningOf,
  type Process,
  processKey,
} from './descriptors.ts';
import { byAddress } from './facts.ts';
import { type Group, OpenConnections } from './open-connections.ts';

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
  readonly key: string;
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

export interface ProcessBox extends Process {
  readonly key: string;
  readonly rows: readonly FdRow[];
  readonly top: number;
  readonly height: number;
}

/** A node with its processes, one below the other. */
export interface NodeBand {
  readonly nodeId: string;
  readonly top: number;
  readonly processes: readonly ProcessBox[];
}

export interface PictureScene {
  readonly listener: ListenerView;
  /** Of this listener. */
  readonly open: OpenConnections;
  readonly closed: readonly ConnectionView[];
  /** Whatever else runs on its nodes, such as a worker that has no connection. */
  readonly running: readonly Process[];
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
/** The control plane, or the name of another node, above the workers. */
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
  const there = processesOf(scene);
  const taken = new Set([...open.all.values()].map(descriptorKey));
  const freed: ConnectionView[] = [];
  for (let at = closed.length - 1; at >= 0 && freed.length < freedMax; at--) {
    const connection = closed[at];
    if (connection === undefined || !there.has(processKey(connection))) continue;
    if (taken.has(descriptorKey(connection))) continue;
    taken.add(descriptorKey(connection));
    freed.push(connection);
  }
  return freed.reverse();
}

/** By their keys. */
function processesOf({ listener, open, running }: PictureScene): Map<string, Process> {
  const found = new Map<string, Process>();
  for (const socket of listeningOf(listener)) found.set(processKey(socket), socket);
  for (const [key, connections] of open.byProcess)
    for (const connection of connections.values().take(1)) found.set(key, connection);
  const nodes = new Set([listener.nodeId, ...[...found.values()].map(({ nodeId }) => nodeId)]);
  for (const worker of running) if (nodes.has(worker.nodeId)) found.set(processKey(worker), worker);
  return found;
}

type Host = readonly [key: string, connections: Group];

function mostFirst([, one]: Host, [, other]: Host): number {
  return other.size - one.size;
}

function byKey([one]: Host, [other]: Host): number {
  return byAddress(one, other);
}

export function hostBoxes(scale: Scale, { open }: PictureScene, freed: readonly ConnectionView[]) {
  const { byHost } =
    freed.length === 0 ? open : new OpenConnections([...open.all.values(), ...freed]);
  const ranked = [...byHost].sort(mostFirst);
  const left = ranked.slice(hostsMax[scale]);
  // A few are found by their address, many by how much they have.
  const shown = ranked.slice(0, hostsMax[scale]).sort(byKey);
  if (scale !== 'each') shown.sort(mostFirst);
  let top = 0;
  const hosts = shown.map(([key, group]): HostBox => {
    const connections = [...group.values()];
    const rows: HostBox['rows'] =
      scale === 'each'
        ? connections.map((connection) => ({ kind: 'client', connection }))
        : [{ kind: 'ports', connections }];
    const height = scale === 'each' ? hostHead + rows.length * rowHeight + boxTail : hostHead + 2;
    const box = { key, ip: connections[0]?.raddr?.ip ?? null, rows, top, height };
    top += height + (scale === 'each' ? boxGap : lineGap);
    return box;
  });
  const connections = left.reduce((sum, [, { size }]) => sum + size, 0);
  return { hosts, more: left.length === 0 ? null : { hosts: left.length, connections } };
}

/** That of the listener first. */
export function nodeBands(
  scale: Scale,
  scene: PictureScene,
  freed: readonly ConnectionView[],
): NodeBand[] {
  const { listener, open } = scene;
  const most = Math.max(1, ...[...open.byProcess.values()].map(({ size }) => size));
  const freedBy = Map.groupBy(freed, processKey);
  const byNode = Map.groupBy(processesOf(scene).values(), ({ nodeId }) => nodeId);
  const { nodeId: first } = listener;
  const others = [...byNode.keys()].filter((nodeId) => nodeId !== first).sort();
  let top = 0;
  return [first, ...others].map((nodeId): NodeBand => {
    const bandTop = top;
    top += parentHeight;
    const inOrder = (byNode.get(nodeId) ?? []).toSorted((one, other) => one.pid - other.pid);
    const processes = inOrder.map(({ pid }): ProcessBox => {
      const key = processKey({ nodeId, pid });
      const group = open.byProcess.get(key)?.values() ?? [];
      const connections = [...group, ...(freedBy.get(key) ?? [])];
      const share = connections.length / most;
      const rows = fdRows(scale, listener, { nodeId, pid }, connections, share);
      const height = processHead + rows.length * rowHeight + boxTail;
      const box = { key, nodeId, pid, rows, top, height };
      top += height + boxGap;
      return box;
    });
    return { nodeId, top: bandTop, processes };
  });
}

function fdRows(
  scale: Scale,
  listener: ListenerView,
  owner: Process,
  connections: readonly ConnectionView[],
  share: number,
): FdRow[] {
  const isUdp = listener.protocol === 'udp';
  const key = processKey(owner);
  const listening = listeningOf(listener)
    .filter((socket) => processKey(socket) === key)
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
