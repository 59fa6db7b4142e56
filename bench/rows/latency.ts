/** From accept, and from before connect(2), to the event at a gRPC client, at 1,000 connections a second. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { outDir } from '../compile.ts';
import { quantile } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';
import { type EventMessage, follow } from '../subscribers.ts';

const rate = 1000;

interface Sight {
  readonly raddr: string;
  readonly acceptedUs: number;
  readonly seenUs: number;
}

export const latencyRow: Row = {
  name: 'latency',
  async run({ isQuick }) {
    await using kodama = await Kodama.start();
    await using server = await kodama.asEchoServer();
    const sights: Sight[] = [];
    const now = wallClock();
    const end = await follow(kodama.grpcPort, (message) => {
      const sight = sightOf(message, now());
      if (sight !== null) sights.push(sight);
    });
    await run(server.port, 2);
    sights.length = 0;
    const { operations, connectedUs } = await run(server.port, isQuick ? 3 : 10);
    const deadline = performance.now() + 10_000;
    while (sights.length < operations && performance.now() < deadline) await delay(20);
    end();
    return results(sights, connectedUs, operations);
  },
};

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
    kodama: values.length === 0 ? null : quantile(values, share),
    goal: max === undefined ? undefined : { of: 'figure', max },
    isSound,
    note,
  });
  return [
    line('accept', fromAccept, 0.5, 4),
    line('accept', fromAccept, 0.99, 15),
    line('connect', fromConnect, 0.5),
    line('connect', fromConnect, 0.99),
  ];
}

function sightOf({ event }: EventMessage, seenUs: number): Sight | null {
  if (event?.type !== 'EVENT_TYPE_CONNECTION_OPENED' || event.connection === undefined) return null;
  const { raddr, acceptedAt } = event.connection;
  const acceptedUs = acceptedAt.seconds * 1e6 + Math.round(acceptedAt.nanos / 1000);
  return { raddr: `${raddr.ip}:${raddr.port}`, acceptedUs, seenUs };
}

/** The system's clock in microseconds, set where Date.now() steps to its next millisecond. */
function wallClock(): () => number {
  const start = Date.now();
  let now = start;
  while (now === start) now = Date.now();
  const origin = now - performance.now();
  return () => Math.round((origin + performance.now()) * 1000);
}
