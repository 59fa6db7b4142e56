/** What a call costs that reads: the control plane's CPU and PostgreSQL's, one call after the other on one connection. */
import { inTurn, median, medianRatio, timedMs } from '../figures.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { cpuMilliseconds, processTree } from '../process-stats.ts';
import { untilRecorded } from '../record-check.ts';
import { startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import { restClient } from '../rest.ts';
import type { Row } from '../row.ts';

interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly path: string;
  get(path: string): Promise<unknown>;
  /** In milliseconds, of each part. */
  cpu(): readonly [control: number, postgres: number];
}

export const callsRow: Row = {
  name: 'calls',
  async run({ isQuick }) {
    await using resources = new AsyncDisposableStack();
    const bare = resources.use(await bareFastify());
    const kodama = resources.use(await Kodama.start());
    const listener = await kodama.createListener({ name: 'read' });
    await fill(kodama, listener);
    const of = (path: string): Subject => ({
      name: path,
      path,
      get: kodama.rest.get,
      cpu() {
        const all = cpuMilliseconds(processTree(kodama.pid));
        const control = cpuMilliseconds([kodama.pid]);
        return [control, all - control];
      },
      [Symbol.asyncDispose]: async () => undefined,
    });
    const cases = [
      { of: of('/healthz'), goal: { of: 'ratio', max: 2 }, share: 1 },
      { of: of('/v1/status'), goal: { of: 'ratio', max: 2 }, share: 1 },
      { of: of(`/v1/listeners/${listener.id}`), goal: { of: 'figure', max: 0.5 }, share: 1 },
      { of: of('/v1/listeners/read'), goal: { of: 'figure', max: 0.5 }, share: 1 },
      { of: of('/v1/connections?pageSize=1'), goal: { of: 'figure', max: 0.6 }, share: 1 },
      { of: of('/v1/connections?pageSize=50'), goal: { of: 'figure', max: 1.2 }, share: 0.5 },
      { of: of('/v1/connections?pageSize=1000'), goal: { of: 'figure', max: 10 }, share: 0.1 },
    ] as const;
    const results: Result[] = [];
    for (const { of: subject, goal, share } of cases) {
      results.push(await compare(bare, subject, { goal, calls: share * (isQuick ? 200 : 500) }));
    }
    return results;
  },
};

async function bareFastify(): Promise<Subject> {
  const server = await startReference('fastify');
  if (server === null) throw new Error('node is there, since this runs');
  const rest = restClient(server.port);
  return {
    name: 'fastify',
    path: '/healthz',
    get: rest.get,
    cpu: () => [cpuMilliseconds([server.pid]), 0],
    async [Symbol.asyncDispose]() {
      rest.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function fill(kodama: Kodama, listener: ListenerView): Promise<void> {
  const load = { mode: 'churn', connections: 50, bytes: 16, seconds: 1 } as const;
  await using generator = await LoadGenerator.start({ ...load, port: listener.laddr.port });
  const { operations } = await generator.run();
  await untilRecorded(kodama, listener.id, { total: operations, headSeq: 0 });
}

/** Its figures are those of a server that has been in use: each case is called before it is measured. */
async function compare(
  bare: Subject,
  subject: Subject,
  { calls, goal }: { readonly calls: number; readonly goal: NonNullable<Result['goal']> },
): Promise<Result> {
  const took: number[] = [];
  const parts: (readonly [number, number])[] = [];
  const rounds = 7;
  const measure = async (one: Subject) => {
    const before = one.cpu();
    for (let call = 0; call < calls; call += 1) {
      const ms = await timedMs(() => one.get(one.path));
      if (one === subject) took.push(ms);
    }
    const after = one.cpu();
    const each = [(after[0] - before[0]) / calls, (after[1] - before[1]) / calls] as const;
    if (one === subject) parts.push(each);
    return each[0] + each[1];
  };
  await inTurn([bare, subject], 2, measure);
  took.length = 0;
  parts.length = 0;
  const figures = await inTurn([bare, subject], rounds, measure);
  const own = figures.get(subject.name) ?? [];
  const reference = figures.get(bare.name) ?? [];
  const part = (index: 0 | 1) => median(parts.map((each) => each[index])).toFixed(2);
  return {
    what: `GET ${subject.path.replace(/[0-9a-f-]{36}/, '{id}')}`,
    unit: 'ms of CPU',
    reference: { name: 'fastify', figure: median(reference) },
    kodama: median(own),
    ratio: medianRatio(own, reference),
    goal,
    note: `control plane ${part(0)}, PostgreSQL and workers ${part(1)}; p50 ${median(took).toFixed(2)} ms`,
  };
}
