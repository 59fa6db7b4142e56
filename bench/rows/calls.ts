/**
 * What a call costs that reads: the control plane's CPU and PostgreSQL's, one call after the other on one connection. A server
 * that takes longer than its client to fall asleep pays for waking it, too: so the cheapest are also called on four at once.
 */
import { inTurn, median, medianRatio, timedMs } from '../figures.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { cpuMilliseconds, processTree } from '../process-stats.ts';
import { untilRecorded } from '../record-check.ts';
import { startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import { type Rest, restClient } from '../rest.ts';
import type { Row } from '../row.ts';

interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly path: string;
  /** One for each connection. */
  readonly rests: readonly Rest[];
  /** In milliseconds, of each part. */
  cpu(): readonly [control: number, postgres: number];
}

/** Connections of those that are called at once. */
const several = 4;

export const callsRow: Row = {
  name: 'calls',
  async run({ isQuick }) {
    await using resources = new AsyncDisposableStack();
    const bare = resources.use(await bareFastify());
    const kodama = resources.use(await Kodama.start());
    const listener = await kodama.createListener({ name: 'read' });
    await fill(kodama, listener);
    const rests = clients(kodama.httpPort, resources);
    const of = (path: string): Subject => ({
      name: path,
      path,
      rests,
      cpu() {
        const all = cpuMilliseconds(processTree(kodama.pid));
        const control = cpuMilliseconds([kodama.pid]);
        return [control, all - control];
      },
      [Symbol.asyncDispose]: async () => undefined,
    });
    const cases = [
      { of: of('/healthz'), goal: { of: 'ratio', max: 2 }, calls: 500, warmUp: 15_000 },
      { of: of('/healthz'), goal: { of: 'ratio', max: 2 }, calls: 500, atOnce: several },
      { of: of('/v1/status'), goal: { of: 'ratio', max: 2 }, calls: 500, warmUp: 15_000 },
      { of: of('/v1/status'), goal: { of: 'ratio', max: 2 }, calls: 500, atOnce: several },
      { of: of(`/v1/listeners/${listener.id}`), goal: { of: 'figure', max: 0.5 }, calls: 500 },
      { of: of('/v1/listeners/read'), goal: { of: 'figure', max: 0.5 }, calls: 500 },
      { of: of('/v1/connections?pageSize=1'), goal: { of: 'figure', max: 0.6 }, calls: 500 },
      { of: of('/v1/connections?pageSize=50'), goal: { of: 'figure', max: 1.2 }, calls: 250 },
      { of: of('/v1/connections?pageSize=1000'), goal: { of: 'figure', max: 10 }, calls: 50 },
    ] as const;
    const results: Result[] = [];
    for (const { of: subject, calls, ...rest } of cases) {
      const share = isQuick ? 0.4 : 1;
      results.push(await compare(bare, subject, { ...rest, calls: calls * share }));
    }
    return results;
  },
};

function clients(port: number, resources: AsyncDisposableStack): readonly Rest[] {
  return Array.from({ length: several }, () => {
    const rest = restClient(port);
    resources.defer(() => rest.close());
    return rest;
  });
}

async function bareFastify(): Promise<Subject> {
  const server = await startReference('fastify');
  if (server === null) throw new Error('node is there, since this runs');
  const resources = new AsyncDisposableStack();
  resources.use(server);
  return {
    name: 'fastify',
    path: '/healthz',
    rests: clients(server.port, resources),
    cpu: () => [cpuMilliseconds([server.pid]), 0],
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function fill(kodama: Kodama, listener: ListenerView): Promise<void> {
  const load = { mode: 'churn', connections: 50, bytes: 16, seconds: 1 } as const;
  await using generator = await LoadGenerator.start({ ...load, port: listener.laddr.port });
  const { operations } = await generator.run();
  await untilRecorded(kodama, listener.id, { total: operations, headSeq: 0 });
}

interface Measure {
  /** In a round. */
  readonly calls: number;
  readonly goal: NonNullable<Result['goal']>;
  readonly atOnce?: number;
  /** Calls of each before it is measured: so many until even what is next to nothing is compiled. */
  readonly warmUp?: number;
}

/** Its figures are those of servers that have been in use. */
async function compare(
  bare: Subject,
  subject: Subject,
  { calls, goal, atOnce = 1, warmUp = 2 * calls }: Measure,
): Promise<Result> {
  const took: number[] = [];
  const parts: (readonly [number, number])[] = [];
  const rounds = 7;
  const measure = (count: number) => async (one: Subject) => {
    const before = one.cpu();
    const ask = async (rest: Rest) => {
      for (let call = 0; call < count / atOnce; call += 1) {
        const ms = await timedMs(() => rest.get(one.path));
        if (one === subject) took.push(ms);
      }
    };
    await Promise.all(one.rests.slice(0, atOnce).map(ask));
    const after = one.cpu();
    const each = [(after[0] - before[0]) / count, (after[1] - before[1]) / count] as const;
    if (one === subject) parts.push(each);
    return each[0] + each[1];
  };
  await inTurn([bare, subject], 1, measure(warmUp));
  took.length = 0;
  parts.length = 0;
  const figures = await inTurn([bare, subject], rounds, measure(calls));
  const own = figures.get(subject.name) ?? [];
  const reference = figures.get(bare.name) ?? [];
  const part = (index: 0 | 1) => median(parts.map((each) => each[index])).toFixed(2);
  const what = `GET ${subject.path.replace(/[0-9a-f-]{36}/, '{id}')}`;
  return {
    what: atOnce === 1 ? what : `${what}, ${atOnce} at once`,
    unit: 'ms of CPU',
    reference: { name: 'fastify', figure: median(reference) },
    kodama: median(own),
    ratio: medianRatio(own, reference),
    goal,
    note: `control plane ${part(0)}, PostgreSQL and workers ${part(1)}; p50 ${median(took).toFixed(2)} ms`,
  };
}
