/**
 * Records of connections at full speed: over the stream of an agent, and over the channel of a built-in worker. What a
 * record costs on its way is what the agent and the replica do; the worker and PostgreSQL do the same for both.
 */

import { inTurn, median, medianRatio } from '../figures.ts';
import { BenchAgent, startReplica } from '../fleet.ts';
import { LoadGenerator } from '../load-generator.ts';
import { cpuMilliseconds } from '../process-stats.ts';
import { recordFault, untilRecorded } from '../record-check.ts';
import type { Result } from '../report.ts';

const recordsEach = 2;

interface Subject {
  readonly name: string;
  readonly listenerId: string;
  readonly port: number;
  /** Where its records pass through behind the worker. */
  readonly pids: readonly number[];
  made: number;
}

export async function measureTransport(rounds: number): Promise<readonly Result[]> {
  await using resources = new AsyncDisposableStack();
  const kodama = await startReplica(resources);
  const agent = resources.use(await BenchAgent.start(kodama, { name: 'away' }));
  const subject = async (name: string, spec: object, pids: readonly number[]): Promise<Subject> => {
    const { id: listenerId, laddr } = await kodama.createListener(spec);
    return { name, listenerId, port: laddr.port, pids, made: 0 };
  };
  const subjects = [
    await subject('IPC', {}, [kodama.pid]),
    await subject('stream', { placement: { node: agent.name } }, [kodama.pid, agent.pid]),
  ];
  const { headSeq: begun } = await kodama.status();
  const rates = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  const parts: { replica: number; agent: number }[] = [];
  const measure = (seconds: number) => async (one: Subject) => {
    const { headSeq } = await kodama.status();
    const load = { mode: 'churn', port: one.port, connections: 50, bytes: 16, seconds } as const;
    await using generator = await LoadGenerator.start(load);
    const before = one.pids.map((pid) => cpuMilliseconds([pid]));
    const startedAt = performance.now();
    const { operations } = await generator.run();
    one.made += operations;
    // Of all of its connections, and of what came since this one began.
    const settled = { total: one.made, headSeq: headSeq - 2 * (one.made - operations) };
    await untilRecorded(kodama, one.listenerId, settled);
    const records = operations * recordsEach;
    rates.get(one.name)?.push((records * 1000) / (performance.now() - startedAt));
    const [replica = 0, away = 0] = one.pids.map(
      (pid, index) => ((cpuMilliseconds([pid]) - (before[index] ?? 0)) * 1000) / records,
    );
    if (one.name === 'stream') parts.push({ replica, agent: away });
    return replica + away;
  };
  await inTurn(subjects, 1, measure(1));
  parts.length = 0;
  for (const of of rates.values()) of.length = 0;
  const figures = await inTurn(subjects, rounds, measure(1.5));
  const faults: string[] = [];
  for (const { name, listenerId, made } of subjects) {
    const fault = await recordFault(kodama.rest, listenerId, begun, made);
    if (fault !== null) faults.push(`${name}: ${fault}`);
  }
  return results({ figures, rates, parts, faults });
}

function results({
  figures,
  rates,
  parts,
  faults,
}: {
  readonly figures: ReadonlyMap<string, readonly number[]>;
  readonly rates: ReadonlyMap<string, readonly number[]>;
  readonly parts: readonly { readonly replica: number; readonly agent: number }[];
  readonly faults: readonly string[];
}): readonly Result[] {
  const line = (
    of: ReadonlyMap<string, readonly number[]>,
    rest: Pick<Result, 'what' | 'unit'> & Partial<Result>,
  ): Result => {
    const [ipc, stream] = [of.get('IPC') ?? [], of.get('stream') ?? []];
    return {
      ...rest,
      reference: { name: 'IPC', figure: median(ipc) },
      kodama: median(stream),
      ratio: medianRatio(stream, ipc),
      isSound: faults.length === 0,
    };
  };
  const part = (name: 'replica' | 'agent') =>
    `${name} ${median(parts.map((one) => one[name])).toFixed(1)}`;
  const note = faults.length === 0 ? 'all on record once' : faults.join('; ');
  return [
    line(figures, {
      what: 'a record over the stream of an agent: CPU behind its worker',
      unit: 'µs',
      note: `${part('replica')} + ${part('agent')} µs; ${note}`,
    }),
    line(rates, {
      what: 'records of an agent, at full speed',
      unit: 'records/s',
      note: 'with the load beside it',
    }),
  ];
}
