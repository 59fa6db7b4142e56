/**
 * What one project feels of another: connections, events and calls of project B while project A asks for more than its
 * quotas give it. There are two references, in the same rounds: B alone; and B while the same flood meets a server apart,
 * which does next to nothing, since on a small machine the client of a flood takes CPU from B's clients, whoever serves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { benchDir } from '../compile.ts';
import { quantile, timedMs } from '../figures.ts';
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

/** Where a flood goes. */
interface Flooded {
  readonly key: string;
  readonly httpPort: number;
  readonly echoPort: number;
}

interface Tenant {
  readonly key: string;
  readonly rest: Rest;
  readonly listener: ListenerView;
}

const measures = ['connection round trip', 'accept → event', 'calls'] as const;
/** Every one that was measured, in milliseconds. */
type Samples = Readonly<Record<(typeof measures)[number], readonly number[]>>;

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
      const found: Round[] = [];
      const target = await targetOf(name, kodama, a);
      for (let round = 0; round < rounds; round += 1) {
        const besideFlood = async (flooded: Flooded) => {
          const flood = await startFlood(name, flooded);
          const samples = await measure(kodama, b, seconds);
          return { samples, became: await flood.end() };
        };
        const alone = await measure(kodama, b, seconds);
        await using apart = await ServerApart.start(kodama.httpPort, a.key);
        const reference = await besideFlood(apart);
        const { samples: beside, became } = await besideFlood(target);
        found.push({ alone, apart: reference.samples, beside, became });
      }
      results.push(...measures.flatMap((of) => lines(name, of, found)));
    }
    a.rest.close();
    b.rest.close();
    return results;
  },
};

interface Round {
  readonly alone: Samples;
  readonly apart: Samples;
  readonly beside: Samples;
  readonly became: string;
}

function lines(
  flood: Flood,
  of: (typeof measures)[number],
  rounds: readonly Round[],
): readonly Result[] {
  // Of all rounds together: a round alone has four calls beyond its p99, and one collection of garbage may be all of them.
  const all = (beside: 'alone' | 'apart' | 'beside') =>
    rounds.flatMap((round) => round[beside][of]);
  return ([0.5, 0.99] as const).flatMap((share) =>
    (['alone', 'apart'] as const).map((name) => {
      const figure = quantile(all(name), share);
      const kodama = quantile(all('beside'), share);
      return {
        what: `${of}, p${share * 100}, beside ${flood} of another project`,
        unit: 'ms',
        reference: { name, figure },
        kodama,
        ratio: kodama / figure,
        ...(share === 0.99 ? { goal: { of: 'ratio', max: 2 } as const } : {}),
        note: `it asked ${floods[flood]}/s: ${rounds.at(-1)?.became}`,
      };
    }),
  );
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

async function measure(kodama: Kodama, b: Tenant, seconds: number): Promise<Samples> {
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
  const [{ samplesUs }, callsMs] = await Promise.all([
    generator.run().finally(() => stop.abort()),
    callsUntil(stop.signal, kodama, b),
  ]);
  endFollowing();
  return {
    'connection round trip': samplesUs.map((us) => us / 1000),
    'accept → event': sightsMs,
    calls: callsMs,
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

async function targetOf(name: Flood, { httpPort }: Kodama, a: Tenant): Promise<Flooded> {
  const denied = { limits: { denyCidrs: ['127.0.0.0/8'] } };
  const listener =
    name === 'refusals' ? await a.rest.post<ListenerView>('/v1/listeners', denied) : a.listener;
  return { key: a.key, httpPort, echoPort: listener.laddr.port };
}

/** See bench/reference/flooded.ts. */
class ServerApart implements Flooded, AsyncDisposable {
  readonly key: string;
  readonly httpPort: number;
  readonly echoPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, key: string, ports: readonly number[]) {
    this.#child = child;
    this.key = key;
    [this.httpPort = 0, this.echoPort = 0] = ports;
  }

  /** It answers with what the holder of the key gets. */
  static async start(kodamaPort: number, key: string): Promise<ServerApart> {
    const { child, next } = spawnTold('reference/flooded.ts', [kodamaPort, key]);
    return new ServerApart(child, key, (await next()).split(' ').map(Number));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }
}

async function startFlood(name: Flood, { httpPort, key, echoPort }: Flooded) {
  const { child, next } = spawnTold('load/flood.ts', [name, floods[name], httpPort, key, echoPort]);
  const exited = once(child, 'exit');
  if ((await next()) !== 'ready') throw new Error(`the flood of ${name} did not start`);
  return {
    /** What became of what it asked for. */
    async end(): Promise<string> {
      child.stdin.end();
      const counts = JSON.parse(await next()) as Readonly<Record<string, number>>;
      await exited;
      return Object.entries(counts)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ');
    },
  };
}

/** A program of the bench, and what it says, line by line. */
function spawnTold(program: string, words: readonly (string | number)[]) {
  const child = spawn(process.execPath, [join(benchDir, program), ...words.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await said.next()).value);
  return { child, next };
}
