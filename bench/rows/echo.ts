/** CPU of the process that echoes, for each round trip on 50 (1 MiB: 8) lasting connections. */
import { inTurn, median, medianRatio } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { printShares } from '../perf.ts';
import { type EchoServer, type ReferenceName, startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const sizes = [
  { what: '64 B round trip', bytes: 64, connections: 50, max: 1.15 },
  { what: '16 KiB round trip', bytes: 16 * 1024, connections: 50, max: 1.3 },
  { what: '1 MiB round trip', bytes: 1024 * 1024, connections: 8, max: 0.95 },
];

const references: readonly ReferenceName[] = ['c', 'go', 'pipe'];

export const echoRow: Row = {
  name: 'echo',
  async run({ isQuick, nodeArgs, hasPerf }) {
    await using resources = new AsyncDisposableStack();
    const kodama = resources.use(await Kodama.start({ nodeArgs }));
    const servers: EchoServer[] = [];
    for (const name of references) {
      const server = await startReference(name);
      if (server !== null) servers.push(resources.use(server));
    }
    servers.push(resources.use(await kodama.asEchoServer()));
    const results: Result[] = [];
    for (const size of sizes) {
      results.push(...(await measureSize(servers, size, { rounds: isQuick ? 3 : 9, hasPerf })));
    }
    return results;
  },
};

async function measureSize(
  servers: readonly EchoServer[],
  { what, bytes, connections, max }: (typeof sizes)[number],
  { rounds, hasPerf }: { readonly rounds: number; readonly hasPerf: boolean },
): Promise<readonly Result[]> {
  const measure = (seconds: number) => async (server: EchoServer) => {
    const { port } = server;
    await using load = await LoadGenerator.start({
      mode: 'echo',
      port,
      connections,
      bytes,
      seconds,
    });
    const before = server.cpuSeconds();
    const { operations } = await load.run();
    return ((server.cpuSeconds() - before) * 1e6) / operations;
  };
  await inTurn(servers, 1, measure(0.7));
  const figures = await inTurn(servers, rounds, measure(1));
  for (const server of hasPerf ? servers : []) {
    const { pid, name } = server;
    const subject = { pid, eachUs: median(figures.get(name) ?? []) };
    await printShares(`${what}, ${name}`, subject, () => measure(3)(server));
  }
  const own = figures.get('kodama') ?? [];
  return references.flatMap((name) => {
    const other = figures.get(name);
    if (other === undefined) return [];
    const result: Result = {
      what,
      unit: 'µs',
      reference: { name, figure: median(other) },
      kodama: median(own),
      ratio: medianRatio(own, other),
      goal: name === 'c' ? { of: 'ratio', max } : undefined,
    };
    return [result];
  });
}
