/** CPU of the process that echoes, for each datagram: 50 clients, one datagram each on its way. */
import { inTurn, median, medianRatio } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import { type EchoServer, type ReferenceName, startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const sizes = [
  { what: 'UDP 64 B', bytes: 64, max: 0.6 },
  { what: 'UDP 1,400 B', bytes: 1400, max: 0.7 },
  { what: 'UDP 8 KiB', bytes: 8192, max: 0.7 },
];

const references: readonly ReferenceName[] = ['udp', 'dgram'];

export const udpRow: Row = {
  name: 'udp',
  async run({ isQuick, nodeArgs }) {
    await using resources = new AsyncDisposableStack();
    const kodama = resources.use(await Kodama.start({ nodeArgs }));
    const servers: EchoServer[] = [];
    for (const name of references) {
      const server = await startReference(name);
      if (server !== null) servers.push(resources.use(server));
    }
    servers.push(resources.use(await kodama.asEchoServer({ protocol: 'udp' })));
    const results: Result[] = [];
    for (const size of sizes) results.push(...(await measureSize(servers, size, isQuick ? 3 : 9)));
    return results;
  },
};

async function measureSize(
  servers: readonly EchoServer[],
  { what, bytes, max }: (typeof sizes)[number],
  rounds: number,
): Promise<readonly Result[]> {
  let missed = 0;
  const measure = (seconds: number) => async (server: EchoServer) => {
    const load = { mode: 'udp', port: server.port, connections: 50, bytes, seconds } as const;
    await using generator = await LoadGenerator.start(load);
    const before = server.cpuSeconds();
    const done = await generator.run();
    if (server.name === 'kodama') missed += done.missed;
    return ((server.cpuSeconds() - before) * 1e6) / done.operations;
  };
  await inTurn(servers, 1, measure(0.5));
  const figures = await inTurn(servers, rounds, measure(1));
  const own = figures.get('kodama') ?? [];
  return references.flatMap((name): readonly Result[] => {
    const other = figures.get(name);
    if (other === undefined) return [];
    const isGoal = name === 'dgram';
    return [
      {
        what,
        unit: 'µs',
        reference: { name: name === 'udp' ? 'C' : name, figure: median(other) },
        kodama: median(own),
        ratio: medianRatio(own, other),
        goal: isGoal ? { of: 'ratio', max } : undefined,
        note: isGoal ? `${missed} not back within 200 ms` : undefined,
      },
    ];
  });
}
