/** Connections that several nodes of several projects have recorded at once, and where the CPU goes meanwhile. */
import { BenchAgent, startReplica } from '../fleet.ts';
import type { Kodama, ListenerView, StatusView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { cpuSeconds, treeCpuSeconds } from '../process-stats.ts';
import { untilRecorded } from '../record-check.ts';
import type { Result } from '../report.ts';
import { type Rest, restClient } from '../rest.ts';

const nodesMax = 3;
/** Beyond these the goal of one replica is met. */
const rateMax = 20_000;

interface Target {
  readonly rest: Rest;
  readonly agent: BenchAgent;
  readonly listenerId: string;
  readonly port: number;
}

export async function measureNodes(seconds: number): Promise<readonly Result[]> {
  await using resources = new AsyncDisposableStack();
  const kodama = await startReplica(resources, { KODAMA_WORKERS: '1' });
  const own = resources.use(await kodama.asEchoServer());
  const builtIn = await rateOfOwn(kodama, { id: own.listenerId, port: own.port, seconds });
  const targets: Target[] = [];
  for (let index = 0; index < nodesMax; index += 1) {
    targets.push(await target(kodama, `team-${index}`, resources));
  }
  await load(kodama, targets, 1);
  const { connections, tookSeconds, parts } = await load(kodama, targets, seconds);
  const shares = Object.entries(parts)
    .map(([name, used]) => `${name} ${((used * 1e6) / connections).toFixed(0)}`)
    .join(' + ');
  return [
    {
      what: `connections of ${nodesMax} nodes and projects, on record`,
      unit: '/s',
      reference: { name: 'the built-in node alone', figure: builtIn },
      kodama: connections / tookSeconds,
      note: `up to ${rateMax}/s; µs each: ${shares}; ${(Object.values(parts).reduce((sum, one) => sum + one, 0) / tookSeconds).toFixed(2)} processors busy`,
    },
  ];
}

async function target(
  kodama: Kodama,
  project: string,
  resources: AsyncDisposableStack,
): Promise<Target> {
  await kodama.rest.post('/v1/projects', { name: project });
  const rest = restClient(kodama.httpPort, { 'kodama-project': project });
  resources.defer(() => rest.close());
  const name = `of-${project}`;
  const agent = resources.use(await BenchAgent.start(kodama, { name, project }));
  const listener = await rest.post<ListenerView>('/v1/listeners', { placement: { node: name } });
  return { rest, agent, listenerId: listener.id, port: listener.laddr.port };
}

async function rateOfOwn(
  kodama: Kodama,
  { id, port, seconds }: { readonly id: string; readonly port: number; readonly seconds: number },
): Promise<number> {
  const { headSeq } = await kodama.status();
  await using generator = await LoadGenerator.start(churn(port, seconds, rateMax));
  const startedAt = performance.now();
  const { operations } = await generator.run();
  await untilRecorded(kodama, id, { total: operations, headSeq });
  return (operations * 1000) / (performance.now() - startedAt);
}

function churn(port: number, seconds: number, rate: number) {
  return { mode: 'churn', port, connections: 64, bytes: 16, seconds, rate } as const;
}

/** All at once; resolves when all is on record. */
async function load(kodama: Kodama, targets: readonly Target[], seconds: number) {
  await using resources = new AsyncDisposableStack();
  const generators: LoadGenerator[] = [];
  for (const { port } of targets) {
    const each = Math.floor(rateMax / targets.length);
    generators.push(resources.use(await LoadGenerator.start(churn(port, seconds, each))));
  }
  const before = await Promise.all(targets.map(headOf));
  const used = () => cpuOf(kodama, targets, generators);
  const cpuBefore = used();
  const startedAt = performance.now();
  let cpuOfLoad = 0;
  const runs = await Promise.all(generators.map((generator) => generator.run()));
  cpuOfLoad = used().load - cpuBefore.load;
  const counts = runs.map(({ operations }) => operations);
  await Promise.all(
    targets.map(async ({ rest, listenerId }, index) => {
      const { total = 0, headSeq = 0 } = before[index] ?? {};
      const wanted = { total: total + (counts[index] ?? 0), headSeq: headSeq - 2 * total };
      await untilRecorded(
        { rest, status: () => rest.get<StatusView>('/v1/status') },
        listenerId,
        wanted,
      );
    }),
  );
  const tookSeconds = (performance.now() - startedAt) / 1000;
  const after = used();
  const part = (name: 'agents' | 'workers' | 'replica' | 'postgres') =>
    after[name] - cpuBefore[name];
  return {
    connections: counts.reduce((sum, count) => sum + count, 0),
    tookSeconds,
    parts: {
      ...{ workers: part('workers'), agents: part('agents'), replica: part('replica') },
      ...{ postgres: part('postgres'), load: cpuOfLoad },
    },
  };
}

async function headOf({ rest, listenerId }: Target) {
  const { headSeq } = await rest.get<StatusView>('/v1/status');
  const { totalConnections: total } = await rest.get<ListenerView>(`/v1/listeners/${listenerId}`);
  return { headSeq, total };
}

function cpuOf(kodama: Kodama, targets: readonly Target[], generators: readonly LoadGenerator[]) {
  const replica = cpuSeconds([kodama.pid]);
  return {
    workers: cpuSeconds(targets.flatMap(({ agent }) => agent.workerPids())),
    agents: cpuSeconds(targets.map(({ agent }) => agent.pid)),
    replica,
    // With the worker of the built-in node, which has nothing to do.
    postgres: treeCpuSeconds(kodama.pid) - replica,
    load: cpuSeconds(generators.map(({ pid }) => pid)),
  };
}
