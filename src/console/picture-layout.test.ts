import { expect, test } from 'vitest';
import { connectionView, listenerView } from '../../test/support/console-views.ts';
import type { ConnectionView } from '../http/resources.ts';
import { OpenConnections } from './open-connections.ts';
import {
  hostHead,
  type PictureScene,
  type ProcessBox,
  parentHeight,
  processHead,
  rowHeight,
} from './picture-boxes.ts';
import { layOut as layOutBands, type Picture } from './picture-layout.ts';

const sockets = [
  { pid: 100, fd: 20 },
  { pid: 101, fd: 20 },
];

/** With the processes of all nodes as one. */
function layOut(given: PictureScene): Picture & { readonly processes: readonly ProcessBox[] } {
  const picture = layOutBands(given);
  return { ...picture, processes: picture.bands.flatMap(({ processes }) => processes) };
}

function scene(open: readonly ConnectionView[], given: Partial<PictureScene> = {}): PictureScene {
  const listener = listenerView({ sockets });
  const all = new OpenConnections(open);
  return { listener, open: all, closed: [], running: [], openCount: open.length, ...given };
}

/** From so many hosts, in turns; every second one in the other process. */
function many(count: number, hosts: number): ConnectionView[] {
  return Array.from({ length: count }, (_, n) =>
    connectionView(n, {
      raddr: {
        ip: `10.0.${Math.floor((n % hosts) / 250)}.${1 + ((n % hosts) % 250)}`,
        port: 1 + n,
      },
      pid: 100 + (n % 2),
      fd: 21 + Math.floor(n / 2),
    }),
  );
}

test('a few are drawn each, and a wire ends in the middle of its rows', () => {
  const [one, other] = [
    connectionView(1, { raddr: { ip: '127.0.0.10', port: 5 } }),
    connectionView(2, { raddr: { ip: '127.0.0.9', port: 5 }, pid: 101, state: 'half_closed' }),
  ];
  const { scale, hosts, processes, wires, height } = layOut(scene([one, other]));
  expect(scale).toBe('each');
  expect(hosts.map(({ ip }) => ip)).toEqual(['127.0.0.9', '127.0.0.10']);
  expect(processes.map(({ pid, rows }) => [pid, rows.map(({ kind }) => kind)])).toEqual([
    [100, ['listening', 'accepted']],
    [101, ['listening', 'accepted']],
  ]);
  const [host] = hosts;
  const [, worker] = processes;
  expect(wires.find(({ key }) => key === other.id)).toMatchObject({
    from: (host?.top ?? 0) + hostHead + rowHeight / 2,
    to: (worker?.top ?? 0) + processHead + rowHeight * 1.5,
    state: 'half_closed',
  });
  expect(height).toBe((worker?.top ?? 0) + (worker?.height ?? 0));
});

test('no box lies over another', () => {
  for (const count of [0, 1, 60, 61, 1000, 1001]) {
    const { hosts, processes } = layOut(scene(many(count, 30)));
    for (const boxes of [hosts, processes]) {
      boxes.slice(1).forEach(({ top }, at) => {
        const above = boxes[at];
        expect(top).toBeGreaterThanOrEqual((above?.top ?? 0) + (above?.height ?? 0));
      });
    }
  }
});

test('each node is a band of its own, where a pid of another one is another process', () => {
  const far = { nodeId: 'node-0', raddr: { ip: '127.0.0.2', port: 5 } };
  const open = [connectionView(1), connectionView(2, far), connectionView(3, far)];
  const listener = listenerView({ sockets: sockets.slice(0, 1) });
  const running = [
    { nodeId: 'node-1', pid: 101 },
    { nodeId: 'node-2', pid: 100 },
  ];
  const { bands, hosts, wires } = layOut(scene(open, { listener, running }));
  const kinds = bands.map(({ nodeId, processes }) => [
    nodeId,
    processes.map(({ pid, rows }) => [pid, rows.map(({ kind }) => kind)]),
  ]);
  // That of the listener first; nothing of a node that the picture is not about.
  expect(kinds).toEqual([
    [
      'node-1',
      [
        [100, ['listening', 'accepted']],
        [101, []],
      ],
    ],
    ['node-0', [[100, ['accepted', 'accepted']]]],
  ]);
  // The host is seen by two nodes, which do not know whether it is one.
  expect(hosts.map(({ ip, rows }) => [ip, rows.length])).toEqual([
    ['127.0.0.2', 2],
    ['127.0.0.2', 1],
  ]);
  const [first, second] = bands;
  const last = first?.processes.at(-1);
  expect(second?.top).toBeGreaterThanOrEqual((last?.top ?? 0) + (last?.height ?? 0));
  const [process] = second?.processes ?? [];
  expect(process?.top).toBe((second?.top ?? 0) + parentHeight);
  const ends = wires.map(({ key, to }) => [key, to]);
  expect(new Map(ends as [string, number][]).get(open[1]?.id ?? '')).toBe(
    (process?.top ?? 0) + processHead + rowHeight / 2,
  );
});

test('groups of two nodes are apart in wires, bars and what was freed', () => {
  const open = many(100, 10).map((one, n) => ({ ...one, pid: 100, nodeId: `node-${n % 2}` }));
  const listener = listenerView({ sockets: [{ pid: 100, fd: 20 }], nodeId: 'node-0' });
  const { bands, wires } = layOut(scene(open, { listener }));
  expect(bands.map(({ processes }) => processes.map(({ rows }) => rows.length))).toEqual([
    [2],
    [1],
  ]);
  expect(new Set(wires.map(({ to }) => to)).size).toBe(2);
  const totals = layOut(scene(open, { listener, openCount: 2000 }));
  expect(totals.processes.map(({ rows }) => rows.at(-1))).toEqual([
    { kind: 'total', open: 50, halfClosed: 0, share: 1 },
    { kind: 'total', open: 50, halfClosed: 0, share: 1 },
  ]);
  const gone = connectionView(1, { fd: 21, state: 'closed', nodeId: 'node-1' });
  const same = connectionView(2, { fd: 21, nodeId: 'node-0' });
  const freed = layOut(scene([same], { listener, closed: [gone] }));
  expect(freed.processes.flatMap(({ rows }) => rows.map(({ kind }) => kind))).toEqual([
    'listening',
    'accepted',
  ]);
});

test('what has closed leaves its fd free until it is taken, in a process that is there', () => {
  const closed = [
    connectionView(1, { fd: 21, state: 'closed' }),
    connectionView(2, { fd: 22, state: 'closed' }),
    connectionView(3, { fd: 22, state: 'closed' }),
    connectionView(4, { fd: 23, state: 'closed', pid: 7 }),
  ];
  const { processes } = layOut(scene([connectionView(5, { fd: 21 })], { closed }));
  const rows = processes[0]?.rows.map((row) =>
    'connection' in row ? [row.kind, row.connection.id] : [row.kind],
  );
  expect(rows).toEqual([
    ['listening'],
    ['accepted', connectionView(5).id],
    ['freed', connectionView(3).id],
  ]);
  expect(processes.map(({ pid }) => pid)).toEqual([100, 101]);
});

test('a hundred are hosts and runs of fds, with one wire for each host and process', () => {
  const { scale, hosts, processes, wires } = layOut(scene(many(100, 10)));
  expect(scale).toBe('hosts');
  expect(hosts).toHaveLength(10);
  expect(processes.map(({ rows }) => rows[1])).toEqual([
    { kind: 'run', from: 21, to: 70, count: 50 },
    { kind: 'run', from: 21, to: 70, count: 50 },
  ]);
  // The nth host has connections of one parity, and so of one process.
  expect(wires).toHaveLength(10);
  expect(wires.reduce((sum, { ids }) => sum + ids.length, 0)).toBe(100);
});

test('fds with many gaps are a few runs and what is left', () => {
  const open = many(100, 10).map((one, n) => ({ ...one, pid: 100, fd: 21 + n * 2 }));
  const rows = layOut(scene(open)).processes[0]?.rows ?? [];
  expect(rows).toHaveLength(13);
  expect(rows.at(-1)).toEqual({ kind: 'more', count: 89 });
});

test('ten thousand are a bar for each process and the hosts that have most', () => {
  const { scale, hosts, more, processes, wires } = layOut(scene(many(10_000, 332)));
  expect([scale, hosts.length, wires.length]).toEqual(['totals', 20, 0]);
  const shown = hosts.flatMap(({ rows }) =>
    rows.map((row) => 'connections' in row && row.connections),
  );
  const count = shown.reduce((sum, some) => sum + (some ? some.length : 0), 0);
  expect(more).toEqual({ hosts: 312, connections: 10_000 - count });
  expect(processes.map(({ rows }) => rows[1])).toEqual([
    { kind: 'total', open: 5000, halfClosed: 0, share: 1 },
    { kind: 'total', open: 5000, halfClosed: 0, share: 1 },
  ]);
});

test('more than the page knows of are drawn as many', () => {
  expect(layOut(scene(many(50, 5), { openCount: 20_000 })).scale).toBe('totals');
});

test('sessions of UDP are wired to the one socket', () => {
  const listener = listenerView({ protocol: 'udp', sockets: sockets.slice(0, 1) });
  const open = [1, 2].map((n) => connectionView(n, { protocol: 'udp', fd: 20 }));
  const { processes, wires } = layOut(scene(open, { listener }));
  expect(processes[0]?.rows).toEqual([
    { kind: 'listening', id: 'listening:node-1:100:20', fd: 20, sessions: 2 },
  ]);
  expect(new Set(wires.map(({ to }) => to)).size).toBe(1);
  expect(wires.map(({ state }) => state)).toEqual(['session', 'session']);
});
