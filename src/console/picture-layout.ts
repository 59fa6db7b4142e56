/**
 * Where everything of the picture stands: hosts with their ports on one side, processes with their descriptors on the
 * other, and the wires between them. All boxes have rows of one height, so that a wire is known without looking at the
 * document. What is drawn one by one for a few connections is drawn in groups for many: the picture stays as large as a
 * page, and costs as much.
 */
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import { listeningId, processKey } from './descriptors.ts';
import {
  boxGap,
  eachMax,
  type HostBox,
  hostBoxes,
  hostHead,
  hostsScaleMax,
  lastFreed,
  type NodeBand,
  nodeBands,
  type PictureScene,
  type ProcessBox,
  parentHeight,
  processHead,
  rowHeight,
  type Scale,
} from './picture-boxes.ts';

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
  readonly bands: readonly NodeBand[];
  readonly wires: readonly Wire[];
  readonly height: number;
}

export function layOut(scene: PictureScene): Picture {
  const { openCount } = scene;
  const scale = openCount <= eachMax ? 'each' : openCount <= hostsScaleMax ? 'hosts' : 'totals';
  const freed = scale === 'each' ? lastFreed(scene) : [];
  const { hosts, more } = hostBoxes(scale, scene, freed);
  const bands = nodeBands(scale, scene, freed);
  const processes = bands.flatMap((band) => band.processes);
  const wires = scale === 'totals' ? [] : wiresOf(hosts, processes, scene.listener);
  const ends = [...hosts, ...processes].map(({ top, height }) => top + height);
  const moreHeight = more === null ? 0 : hostHead + boxGap;
  const hostsEnd = (hosts.at(-1)?.top ?? 0) + (hosts.at(-1)?.height ?? 0) + moreHeight;
  const bandsEnd = (bands.at(-1)?.top ?? 0) + parentHeight;
  return { scale, hosts, more, bands, wires, height: Math.max(hostsEnd, bandsEnd, ...ends) };
}

function wiresOf(
  hosts: readonly HostBox[],
  processes: readonly ProcessBox[],
  listener: ListenerView,
): Wire[] {
  const rowTops = new Map<string, number>();
  for (const { key, rows, top } of processes) {
    rows.forEach((row, at) => {
      const middle = top + processHead + (at + 0.5) * rowHeight;
      if (row.kind === 'listening') rowTops.set(row.id, middle);
      else if (row.kind === 'accepted') rowTops.set(row.connection.id, middle);
      // Wires of a group go to its first run.
      else if (row.kind === 'run' && !rowTops.has(key)) rowTops.set(key, middle);
    });
  }
  const isUdp = listener.protocol === 'udp';
  return hosts.flatMap(({ key, rows, top }) =>
    rows.flatMap((row, at): Wire[] => {
      if (row.kind === 'ports')
        return groupWires(key, row.connections, top + hostHead / 2, rowTops);
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
  hostKey: string,
  connections: readonly ConnectionView[],
  from: number,
  rowTops: ReadonlyMap<string, number>,
): Wire[] {
  const isUdp = connections[0]?.protocol === 'udp';
  const groups = Map.groupBy(connections, isUdp ? listeningId : processKey);
  return [...groups].flatMap(([target, some]) => {
    const to = rowTops.get(target);
    if (to === undefined) return [];
    const width = Math.min(12, 1 + Math.log2(some.length) * 1.2);
    const ids = some.map(({ id }) => id);
    const state = isUdp ? ('session' as const) : ('open' as const);
    return [{ key: `${hostKey}>${target}`, ids, from, to, width, state }];
  });
}

/** A curve from the left edge to the right one, in a box 100 wide. */
export function wirePath({ from, to }: Wire): string {
  return `M0,${from} C50,${from} 50,${to} 100,${to}`;
}
