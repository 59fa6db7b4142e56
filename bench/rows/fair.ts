/**
 * What one project feels of another: connections, events and calls of project B, alone and while project A asks for more
 * than its quotas give it. The reference of each figure is B alone, in the same rounds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { benchDir } from '../compile.ts';
import { median, quantile, timedMs } from '../figures.ts';
import { Kodama, type ListenerView } from '../kodama.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { Result } from '../report.ts';
import { type Rest, restClient } from '../rest.ts';
import type { Row } from '../row.ts';
import { acceptedUs, follow, wallClock } from '../subscribers.ts';

/** Of B, each second. */
const connectionsPerSecond = 200;
const callsPerSecond = 50;

const quotas = {
  ...{ openConnections: 500, acceptsPerSecond: 200, requestsPerSecond: 50 },
  ...{ streams: 50, listeners: 1000 },
};

/** What A asks for each second: some ten times as much as it has. */
const floods = {
  connections: 2000,
  refusals: 2000,
  calls: 500,
  keys: 500,
  pages: 500,
  streams: 100,
} as const;
type Flood = keyof typeof floods;
const floodNames = Object.keys(floods) as readonly Flood[];

interface Tenant {
  readonly key: string;
  readonly rest: Rest;
  readonly listener: ListenerView;
}

const measures = ['connection round trip', 'accept → event', 'calls'] as const;
/** In milliseconds. */
type Figures = Readonly<Record<(typeof measures)[number], { p50: number; p99: number }>>;

export const fairRow: Row = {
  name: 'fair',
  async run({ isQuick, nodeArgs }) {
    const seconds = isQuick ? 4 : 8;
    const rounds = isQuick ? 1 : 3;
    await using kodama = await Kodama.start({ nodeArgs });
    const a = await makeTenant(kodama, 'a', quotas);
    const b = await makeTenant(kodama, 'b', {});
    await fill(a);
    await measure(kodama, b, 2);
    const results: Result[] = [];
    for (const name of floodNames) {
      const alone: Figures[] = [];
      const beside: Figures[] = [];
      let became = '';
      for (let round = 0; round < rounds; round += 1) {
        alone.push(await measure(kodama, b, seconds));
        const flood = await startFlood(name, kodama, a);
        beside.push(await measure(kodama, b, seconds));
        became = await flood.end();
      }
      results.push(...measures.flatMap((of) => lines(name, of, alone, beside, became)));
    }
    a.rest.close();
    b.rest.close();
    return results;
  },
};

function lines(
  flood: Flood,
  of: (typeof measures)[number],
  alone: readonly Figures[],
  beside: readonly Figures[],
  became: string,
): readonly Result[] {
  return (['p50', 'p99'] as const).map((share) => {
    const reference = alone.map((figures) => figures[of][share]);
    const figures = beside.map((each) => each[of][share]);
    return {
      what: `${of}, ${share}, beside ${flood} of another project`,
      unit: 'ms',
      reference: { name: 'alone', figure: median(reference) },
      kodama: median(figures),
      ratio: median(figures.map((figure, round) => figure / (reference[round] ?? Number.NaN))),
      ...(share === 'p99' ? { goal: { of: 'ratio', max: 2 } as const } : {}),
      note: `it asked ${floods[flood]}/s: ${became}`,
    };
  });
}

async function makeTenant(kodama: Kodama, project: string, own: object): Promise<Tenant> {
  await kodama.rest.post('/v1/projects', { name: project, quotas: own });
  const operator = restClient(kodama.httpPort, { 'kodama-project': project });
  const scopes = ['read', 'write'];
  const key = await operator.post<{ secret: string }>('/v1/keys', { name: 'bench', scopes });
  operator.close();
  const rest = restClient(kodama.httpPort, { authorization: `Bearer ${key.secret}` });
  return { key: key.secret, rest, listener: await rest.post('/v1/listeners', { name: 'echo' }) };
}

/** A history for pages and streams. */
async function fill({ listener }: Tenant): Promise<void> {
  const load = { mode: 'churn', connections: 50, bytes: 16, seconds: 10, rate: 150 } as const;
  await using generator = await LoadGenerator.start({ ...load, port: listener.laddr.port });
  await generator.run();
}

async function measure(kodama: Kodama, b: Tenant, seconds: number): Promise<Figures> {
  const now = wallClock();
  const sightsMs: number[] = [];
  const endFollowing = await follow(
    kodama.grpcPort,
    (message) => {
      const accepted = acceptedUs(message);
      if (accepted !== null) sightsMs.push((now() - accepted) / 1000);
    },
    b.key,
  );
  const load = { mode: 'churn', connections: 1000, bytes: 16, rate: connectionsPerSecond } as const;
  const { port } = b.listener.laddr;
  await using generator = await LoadGenerator.start({ ...load, port, seconds });
  const stop = new AbortController();
  const [{ p50Us, p99Us }, callsMs] = await Promise.all([
    generator.run().finally(() => stop.abort()),
    callsUntil(stop.signal, kodama, b),
  ]);
  endFollowing();
  const of = (values: readonly number[]) => ({
    p50: quantile(values, 0.5),
    p99: quantile(values, 0.99),
  });
  return {
    'connection round trip': { p50: p50Us / 1000, p99: p99Us / 1000 },
    'accept → event': of(sightsMs),
    calls: of(callsMs),
  };
}

/** Create, list, get and delete, each when it is due, whether or not the one before is answered. */
async function callsUntil(signal: AbortSignal, kodama: Kodama, { key }: Tenant) {
  const tookMs: number[] = [];
  const headers = { authorization: `Bearer ${key}` };
  const clients = [0, 1, 2, 3].map(() => restClient(kodama.httpPort, headers));
  const timed = async (work: () => Promise<unknown>) => tookMs.push(await timedMs(work));
  const everyMs = (1000 * clients.length) / callsPerSecond;
  const one = async (rest: Rest, index: number): Promise<void> => {
    let dueAt = performance.now() + (index * everyMs) / clients.length;
    const due = async () => {
      const waitMs = dueAt - performance.now();
      dueAt += everyMs;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    };
    while (!signal.aborted) {
      let id = '';
      await due();
      await timed(async () => {
        ({ id } = await rest.post<ListenerView>('/v1/listeners', {}));
      });
      await due();
      await timed(() => rest.get('/v1/listeners'));
      await due();
      await timed(() => rest.get(`/v1/listeners/${id}`));
      await due();
      await timed(() => rest.delete(`/v1/listeners/${id}`));
    }
  };
  await Promise.all(clients.map(one));
  for (const client of clients) client.close();
  return tookMs;
}

async function startFlood(name: Flood, kodama: Kodama, a: Tenant) {
  const denied = { limits: { denyCidrs: ['127.0.0.0/8'] } };
  const listener =
    name === 'refusals' ? await a.rest.post<ListenerView>('/v1/listeners', denied) : a.listener;
  const words = [name, floods[name], kodama.httpPort, a.key, listener.laddr.port].map(String);
  const child = spawn(process.execPath, [join(benchDir, 'load/flood.ts'), ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if ((await said.next()).value !== 'ready') throw new Error(`the flood of ${name} did not start`);
  return {
    /** What became of what it asked for. */
    async end(): Promise<string> {
      child.stdin.end();
      const { value } = await said.next();
      await exited;
      const counts = JSON.parse(String(value)) as Readonly<Record<string, number>>;
      return Object.entries(counts)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ');
    },
  };
}
