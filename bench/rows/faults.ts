/** What each fault costs: the worker's CPU for 16 KiB there and back through it, beside a listener without one. */
import { inTurn, median, medianRatio } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { EchoServer } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

const bytes = 16 * 1024;

/** As they let all bytes through, unchanged; those that do not can not be measured by an echo. */
const faults = [
  { type: 'latency', delayMs: 1 },
  { type: 'bandwidth', bytesPerSecond: 1_000_000_000 },
  { type: 'slice', averageBytes: 4096 },
  { type: 'limit', bytes: 1_000_000_000_000 },
] as const;

export const faultsRow: Row = {
  name: 'faults',
  async run({ isQuick, nodeArgs }) {
    await using resources = new AsyncDisposableStack();
    const kodama = resources.use(await Kodama.start({ nodeArgs }));
    const plain = resources.use(await kodama.asEchoServer());
    const results: Result[] = [];
    for (const fault of faults) {
      await using own = await kodama.asEchoServer({ faults: [fault] });
      const subjects = [
        { ...plain, name: 'none' },
        { ...own, name: fault.type },
      ];
      results.push(await compare(subjects, isQuick ? 3 : 7));
    }
    return results;
  },
};

type Subject = Pick<EchoServer, 'name' | 'port' | 'cpuSeconds'>;

async function compare(subjects: readonly Subject[], rounds: number): Promise<Result> {
  const measure = async ({ port, cpuSeconds }: Subject) => {
    const load = { mode: 'echo', connections: 50, bytes, seconds: 1 } as const;
    await using generator = await LoadGenerator.start({ ...load, port });
    const begun = cpuSeconds();
    const { operations } = await generator.run();
    return ((cpuSeconds() - begun) * 1e6) / operations;
  };
  await inTurn(subjects, 1, measure);
  const figures = await inTurn(subjects, rounds, measure);
  const [none, fault] = subjects.map(({ name }) => ({ name, each: figures.get(name) ?? [] }));
  if (none === undefined || fault === undefined) throw new TypeError('two are compared');
  const extra = median(fault.each) - median(none.each);
  return {
    what: `16 KiB through ${fault.name}`,
    unit: 'µs',
    reference: { name: 'none', figure: median(none.each) },
    kodama: median(fault.each),
    ratio: medianRatio(fault.each, none.each),
    note: `${((extra * 1000) / bytes).toFixed(2)} ns a byte`,
  };
}
