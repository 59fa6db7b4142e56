/** From accept, and from before connect(2), to the event at a gRPC client, at 1,000 connections a second. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { outDir } from '../compile.ts';
import { Disk } from '../disk.ts';
import { quantile } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';
import { acceptedUs, type EventMessage, follow, wallClock } from '../subscribers.ts';

const rate = 1000;

interface Sight {
  readonly raddr: string;
  readonly acceptedUs: number;
  readonly seenUs: number;
}

/** What the same moments cost without kodama: one write to the disk, one connection to a bare server. */
interface Reference {
  readonly syncMs: readonly number[];
  readonly pipeMs: { readonly p50: number; readonly p99: number };
}

export const latencyRow: Row = {
  name: 'latency',
  async run({ isQuick }) {
    const rounds = isQuick ? 1 : 3;
    const found: (readonly Result[])[] = [];
    for (let round = 0; round < rounds; round += 1)
      found.push(await measureRound(isQuick ? 3 : 10));
    // The round of the middle, by its p99.
    const order = found.toSorted((a, b) => (a[1]?.kodama ?? 0) - (b[1]?.kodama ?? 0));
    return order[Math.floor(rounds / 2)] ?? [];
  },
};

async function measureRound(seconds: number): Promise<readonly Result[]> {
  await using kodama = await Kodama.start();
  await using server = await kodama.asEchoServer();
  const sights: Sight[] = [];
  const now = wallClock();
  const end = await follow(kodama.grpcPort, (message) => {
    const sight = sightOf(message, now());
    if (sight !== null) sights.push(sight);
  });
  const untilSeen = async (count: number): Promise<void> => {
    const deadline = performance.now() + 10_000;
    while (sights.length < count && performance.now() < deadline) await delay(20);
  };
  await untilSeen((await run(server.port, 2)).operations);
  sights.length = 0;
  const { operations, connectedUs } = await run(server.port, seconds);
  await untilSeen(operations);
  end();
  return results(sights, connectedUs, operations, await measureReference(kodama.dataDir, seconds));
}

async function measureReference(dataDir: string, seconds: number): Promise<Reference> {
  using disk = new Disk(dataDir);
  const syncMs: number[] = [];
  for (let index = 0; index < 200; index += 1) syncMs.push(disk.syncMs());
  await using pipe = await startReference('pipe');
  if (pipe === null) throw new Error('no pipe');
  const load = { mode: 'churn', port: pipe.port, connections: 1000, bytes: 16, rate } as const;
  await using generator = await LoadGenerator.start({ ...load, seconds });
  const { p50Us, p99Us } = await generator.run();
  return { syncMs, pipeMs: { p50: p50Us / 1000, p99: p99Us / 1000 } };
}

async function run(port: number, seconds: number) {
  mkdirSync(outDir, { recursive: true });
  const file = join(outDir, 'connected.txt');
  const load = { mode: 'churn', port, connections: 1000, bytes: 16, seconds, rate, file } as const;
  await using generator = await LoadGenerator.start(load);
  const { operations } = await generator.run();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const connectedUs = new Map(
    lines.map((line) => {
      const [raddr = '', time] = line.split(' ');
      return [raddr, Number(time)];
    }),
  );
  return { operations, connectedUs };
}

function results(
  sights: readonly Sight[],
  connectedUs: ReadonlyMap<string, number>,
  operations: number,
  { syncMs, pipeMs }: Reference,
): readonly Result[] {
  const isSound = sights.length === operations;
  const note = `${sights.length} of ${operations} connections seen`;
  const fromAccept = sights.map(({ acceptedUs, seenUs }) => (seenUs - acceptedUs) / 1000);
  const fromConnect = sights.flatMap(({ raddr, seenUs }) => {
    const connected = connectedUs.get(raddr);
    return connected === undefined ? [] : [(seenUs - connected) / 1000];
  });
  const line = (from: string, values: readonly number[], share: number, max?: number): Result => ({
    what: `${from} → event at gRPC client, p${share * 100}`,
    unit: 'ms',
    reference:
      from === 'accept'
        ? { name: 'fdatasync', figure: quantile(syncMs, share) }
        : { name: 'pipe, all of a connection', figure: share === 0.5 ? pipeMs.p50 : pipeMs.p99 },
    kodama: values.length === 0 ? null : quantile(values, share),
    goal: max === undefined ? undefined : { of: 'figure', max },
    isSound,
    note,
  });
  return [
    line('accept', fromAccept, 0.5, 3),
    line('accept', fromAccept, 0.99, 10),
    line('connect', fromConnect, 0.5),
    line('connect', fromConnect, 0.99),
  ];
}

function sightOf(message: EventMessage, seenUs: number): Sight | null {
  const accepted = acceptedUs(message);
  const raddr = message.event?.connection?.raddr;
  if (accepted === null || raddr === undefined) return null;
  return { raddr: `${raddr.ip}:${raddr.port}`, acceptedUs: accepted, seenUs };
}
