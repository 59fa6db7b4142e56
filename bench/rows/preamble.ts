/** CPU of the process that echoes, where something comes before the echo: TLS, or a PROXY header. */
import { inTurn, median, medianRatio } from '../figures.ts';
import { Kodama } from '../kodama.ts';
import { type EchoLoad, LoadGenerator } from '../load-generator.ts';
import { type EchoServer, startReference } from '../reference-servers.ts';
import type { Result } from '../report.ts';
import type { Row } from '../row.ts';

type Load = Pick<EchoLoad, 'mode' | 'connections' | 'bytes'>;

interface Subject extends Pick<EchoServer, 'name' | 'port' | 'cpuSeconds'> {
  readonly before?: EchoLoad['before'];
}

const loads: readonly (Load & { readonly what: string })[] = [
  { what: 'TLS: connect–16 B–close', mode: 'churn', connections: 20, bytes: 16 },
  { what: 'TLS: 64 B round trip', mode: 'echo', connections: 50, bytes: 64 },
  { what: 'TLS: 16 KiB round trip', mode: 'echo', connections: 50, bytes: 16 * 1024 },
];

export const preambleRow: Row = {
  name: 'preamble',
  async run({ isQuick, nodeArgs }) {
    await using resources = new AsyncDisposableStack();
    const kodama = resources.use(await Kodama.start({ nodeArgs }));
    const rounds = isQuick ? 3 : 7;
    const results: Result[] = [];
    const tls = resources.use(await startReference('tls').then(present));
    const own = resources.use(await kodama.asEchoServer({ protocol: 'tls' }));
    for (const { what, ...load } of loads) {
      const subjects = [tls, own].map((each) => ({ ...partsOf(each), before: 'tls' as const }));
      results.push(await compare(what, subjects, { load, rounds }));
    }
    const asking = { protocol: 'tls', tls: { clientAuth: 'request' } };
    const asked = resources.use(await kodama.asEchoServer(asking));
    for (const { what, ...load } of loads) {
      const subjects: readonly Subject[] = [
        { ...partsOf(own), name: 'none asked', before: 'tls' },
        { ...partsOf(asked), before: 'tls' },
      ];
      results.push(await compare(`${what}, asked for a certificate`, subjects, { load, rounds }));
    }
    const plain = resources.use(await kodama.asEchoServer());
    const proxyProtocol = { mode: 'required', trustedCidrs: ['127.0.0.0/8'] };
    const proxied = resources.use(await kodama.asEchoServer({ proxyProtocol }));
    const subjects: readonly Subject[] = [
      { ...partsOf(plain), name: 'plain', before: 'nothing' },
      { ...partsOf(proxied), before: 'proxy' },
    ];
    const load = { mode: 'churn', connections: 20, bytes: 16 } as const;
    results.push(await compare('PROXY: connect–16 B–close', subjects, { load, rounds }));
    return results;
  },
};

function present(server: EchoServer | null): EchoServer {
  if (server === null) throw new Error('node is there, since this runs');
  return server;
}

function partsOf({ name, port, cpuSeconds }: EchoServer): Subject {
  return { name, port, cpuSeconds };
}

/** The second beside the first. */
async function compare(
  what: string,
  subjects: readonly Subject[],
  { load, rounds }: { readonly load: Load; readonly rounds: number },
): Promise<Result> {
  const measure = async ({ port, before, cpuSeconds }: Subject) => {
    const first = before === undefined ? {} : { before };
    await using generator = await LoadGenerator.start({ ...load, ...first, port, seconds: 1 });
    const begun = cpuSeconds();
    const { operations } = await generator.run();
    return ((cpuSeconds() - begun) * 1e6) / operations;
  };
  await inTurn(subjects, 1, measure);
  const figures = await inTurn(subjects, rounds, measure);
  const [reference, own] = subjects.map(({ name }) => ({ name, each: figures.get(name) ?? [] }));
  if (reference === undefined || own === undefined) throw new TypeError('two are compared');
  return {
    what,
    unit: 'µs',
    reference: { name: reference.name, figure: median(reference.each) },
    kodama: median(own.each),
    ratio: medianRatio(own.each, reference.each),
  };
}
