/** CPU for each connection that comes, sends 16 bytes, gets them back and goes; and whether all are on record. */
import { inTurn, median, medianRatio } from '../figures.ts';
import { type CpuParts, Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { printShares } from '../perf.ts';
import { recordFault, untilRecorded } from '../record-check.ts';
import { type EchoServer, startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row, RowOptions } from '../row.ts';

export const churnRow: Row = {
  name: 'churn',
  async run({ isQuick, nodeArgs, hasPerf }) {
    const rounds = isQuick ? 2 : 6;
    const fullSpeed = { rate: 0, rounds, nodeArgs, hasPerf };
    if (nodeArgs.length > 0) return await measureRate('profiled', fullSpeed);
    const paced = { rate: 1000, rounds: Math.ceil(rounds / 2), nodeArgs, hasPerf: false };
    return [
      ...(await measureRate('connect–16 B–close', fullSpeed)),
      ...(await measureRate('the same at 1,000/s', paced)),
    ];
  },
};

interface Subject {
  readonly name: string;
  readonly port: number;
  /** The process that holds the sockets. */
  readonly pid: number;
  cpu(): CpuParts;
  /** Waits until all is done that the load caused. */
  settle(operations: number): Promise<void>;
}

interface RateOptions extends Pick<RowOptions, 'nodeArgs' | 'hasPerf'> {
  /** Connections a second; 0 is full speed. */
  readonly rate: number;
  readonly rounds: number;
}

async function measureRate(
  what: string,
  { rate, rounds, nodeArgs, hasPerf }: RateOptions,
): Promise<Result[]> {
  await using resources = new AsyncDisposableStack();
  const kodama = resources.use(await Kodama.start({ nodeArgs }));
  const own = resources.use(await kodama.asEchoServer());
  const pipe = await startReference('pipe');
  if (pipe === null) throw new Error('no pipe');
  resources.use(pipe);
  const pids = await kodama.workerPids();
  const { headSeq } = await kodama.status();
  let made = 0;
  const subjects: Subject[] = [
    bare(pipe),
    {
      name: 'kodama',
      port: own.port,
      pid: own.pid,
      cpu: () => kodama.cpu(pids),
      async settle(operations) {
        made += operations;
        await untilRecorded(kodama, own.listenerId, { total: made, headSeq });
      },
    },
  ];
  const parts: CpuParts[] = [];
  const measure = (seconds: number) => async (subject: Subject) => {
    const { port } = subject;
    const load = { mode: 'churn', port, connections: 50, bytes: 16, seconds, rate } as const;
    await using generator = await LoadGenerator.start(load);
    const before = subject.cpu();
    const { operations } = await generator.run();
    await subject.settle(operations);
    const after = subject.cpu();
    const each = (part: keyof CpuParts): number =>
      ((after[part] - before[part]) * 1e6) / operations;
    const cost = {
      worker: each('worker'),
      control: each('control'),
      postgres: each('postgres'),
    };
    if (subject.name === 'kodama') parts.push(cost);
    return cost.worker + cost.control + cost.postgres;
  };
  await inTurn(subjects, 1, measure(1));
  parts.length = 0;
  const figures = await inTurn(subjects, rounds, measure(1.5));
  for (const subject of hasPerf ? subjects : []) {
    const own = subject.name === 'kodama' ? parts.map(({ worker }) => worker) : null;
    const eachUs = median(own ?? figures.get(subject.name) ?? []);
    const { pid } = subject;
    await printShares(`${what}, ${subject.name}`, { pid, eachUs }, () => measure(3)(subject));
  }
  const fault = await recordFault(kodama.rest, own.listenerId, headSeq, made);
  return results(what, rate === 0, figures, parts, fault, made);
}

function results(
  what: string,
  hasGoal: boolean,
  figures: ReadonlyMap<string, readonly number[]>,
  parts: readonly CpuParts[],
  fault: string | null,
  made: number,
): Result[] {
  const pipe = figures.get('pipe') ?? [];
  const whole = figures.get('kodama') ?? [];
  const worker = parts.map((part) => part.worker);
  const reference = { name: 'pipe', figure: median(pipe) };
  const of = (part: keyof CpuParts): string =>
    `${part} ${Math.round(median(parts.map((p) => p[part])))}`;
  return [
    {
      what: `${what}: worker`,
      unit: 'µs',
      reference,
      kodama: median(worker),
      ratio: medianRatio(worker, pipe),
      goal: hasGoal ? { of: 'ratio', max: 1 } : undefined,
    },
    {
      what: `${what}: whole system`,
      unit: 'µs',
      reference,
      kodama: median(whole),
      ratio: medianRatio(whole, pipe),
      goal: hasGoal ? { of: 'ratio', max: 2.5 } : undefined,
      isSound: fault === null,
      note: `${of('worker')} + ${of('control')} + ${of('postgres')} µs; ${fault ?? `all ${made} on record`}`,
    },
  ];
}

function bare(server: EchoServer): Subject {
  return {
    name: server.name,
    port: server.port,
    pid: server.pid,
    cpu: () => ({ worker: server.cpuSeconds(), control: 0, postgres: 0 }),
    settle: async () => {},
  };
}
