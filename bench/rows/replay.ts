/** How fast one gRPC subscriber reads a long log, and what ten live ones cost against one. */
import { setTimeout as delay } from 'node:timers/promises';
import { inTurn, median } from '../figures.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { cpuSeconds, treeCpuSeconds } from '../process-stats.ts';
import { untilRecorded } from '../record-check.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';
import { LiveSubscribers, replay } from '../subscribers.ts';

const liveRate = 1000;

export const replayRow: Row = {
  name: 'replay',
  async run({ isQuick, nodeArgs }) {
    await using kodama = await Kodama.start({ nodeArgs });
    await using server = await kodama.asEchoServer();
    const subject = { kodama, port: server.port, listenerId: server.listenerId };
    const live = await measureLive(subject, isQuick ? 2 : 5, isQuick ? 2 : 3);
    await churn(subject, isQuick ? 3 : 12, 0);
    return [...(await measureReplay(kodama, isQuick ? 2 : 5)), ...live];
  },
};

interface Subject {
  readonly kodama: Kodama;
  readonly port: number;
  readonly listenerId: string;
}

/** Resolves when all of it is on record. */
async function churn(subject: Subject, seconds: number, rate: number): Promise<number> {
  const { kodama, port, listenerId } = subject;
  const { headSeq } = await kodama.status();
  const view = await kodama.rest.get<ListenerView>(`/v1/listeners/${listenerId}`);
  const load = { mode: 'churn', port, connections: 50, bytes: 16, seconds, rate } as const;
  await using generator = await LoadGenerator.start(load);
  const { operations } = await generator.run();
  const total = view.totalConnections + operations;
  await untilRecorded(kodama, listenerId, { total, headSeq: headSeq - 2 * view.totalConnections });
  return operations;
}

async function measureReplay(kodama: Kodama, rounds: number): Promise<readonly Result[]> {
  const { headSeq } = await kodama.status();
  const rates: number[] = [];
  const costs: number[] = [];
  const clientCosts: number[] = [];
  let isSound = true;
  for (let round = 0; round < rounds; round += 1) {
    const before = treeCpuSeconds(kodama.pid);
    const { events, seconds, clientSeconds } = await replay(kodama.grpcPort, 0);
    isSound &&= events === headSeq;
    rates.push(events / seconds);
    costs.push(((treeCpuSeconds(kodama.pid) - before) * 1e6) / events);
    clientCosts.push((clientSeconds * 1e6) / events);
  }
  return [
    {
      what: 'replay, one gRPC subscriber',
      unit: 'events/s',
      kodama: median(rates),
      goal: { of: 'figure', min: 60_000 },
      isSound,
      note: `${headSeq} events; the client itself used ${median(clientCosts).toFixed(1)} µs an event`,
    },
    { what: 'replay: whole system', unit: 'µs/event', kodama: median(costs) },
  ];
}

/** CPU of the control plane for each live event, with 0, 1 and 10 subscribers. */
async function measureLive(
  subject: Subject,
  seconds: number,
  rounds: number,
): Promise<readonly Result[]> {
  const { kodama } = subject;
  let isSound = true;
  const measure = async ({ count }: { readonly count: number }): Promise<number> => {
    const subscribers = await LiveSubscribers.start(kodama.grpcPort, count);
    const before = cpuSeconds([kodama.pid]);
    const operations = await churn(subject, seconds, liveRate);
    const cost = ((cpuSeconds([kodama.pid]) - before) * 1e6) / (operations * 2);
    await delay(200);
    const seen = await subscribers.end();
    isSound &&= seen.every((events) => events >= operations * 2);
    return cost;
  };
  const subjects = [0, 1, 10].map((count) => ({ name: String(count), count }));
  await inTurn(subjects, 1, measure);
  const figures = await inTurn(subjects, rounds, measure);
  const [none, one, ten] = subjects.map(({ name }) => median(figures.get(name) ?? []));
  if (none === undefined || one === undefined || ten === undefined) return [];
  const note = `control plane alone, at ${liveRate} connections/s; ${none.toFixed(1)} µs with none`;
  return [
    {
      what: '10 live subscribers against one',
      unit: 'µs/event',
      reference: { name: 'one', figure: one },
      kodama: ten,
      goal: { of: 'ratio', max: 3 },
      isSound,
      note,
    },
    {
      what: 'the same, without what the log costs anyway',
      unit: 'µs/event',
      reference: { name: 'one', figure: one - none },
      kodama: ten - none,
    },
  ];
}
