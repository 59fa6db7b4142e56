/** Nodes that have a session and nothing to tell: what their being there costs a replica and PostgreSQL. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { rawPublicKey } from '../../src/wire/hello-signature.ts';
import { readJoinToken } from '../../src/wire/pin.ts';
import { benchDir } from '../compile.ts';
import { joinTokenOf, startReplica } from '../fleet.ts';
import { makeDataDir } from '../kodama.ts';
import {
  cpuMilliseconds,
  processName,
  processTree,
  pssBytes,
  treeCpuSeconds,
} from '../process-stats.ts';
import type { Result } from '../report.ts';

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
const settleMs = 6000;
/** A heartbeat is answered when it is written, which is done once a second. */
const storedInTimeMs = 5000;

interface Told {
  readonly stored: number;
  readonly unstored: number;
  readonly ended: number;
  readonly slowestMs: number;
}

export async function measureIdleSessions(
  count: number,
  seconds: number,
): Promise<readonly Result[]> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await makeDataDir();
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const timeouts = { startTimeoutMs: 60_000, stopTimeoutMs: 60_000 };
  const server = resources.use(await EmbeddedPostgres.start({ dataDir, log: quiet, ...timeouts }));
  const { connectionString: url } = server;
  const kodama = await startReplica(resources, { DATABASE_URL: url, KODAMA_WORKERS: '0' });
  const postmaster = processTree(process.pid).find((pid) => isPostmaster(processName(pid))) ?? 0;
  /** CPU milliseconds in a second; of PostgreSQL with those of its processes that came and went. */
  const idle = async () => {
    const commits = await commitsOf(url);
    const used = () => [cpuMilliseconds([kodama.pid]), treeCpuSeconds(postmaster) * 1000];
    const before = used();
    await delay(seconds * 1000);
    const [replica = 0, database = 0] = used().map(
      (ms, index) => (ms - (before[index] ?? 0)) / seconds,
    );
    return { replica, database, commits: ((await commitsOf(url)) - commits) / seconds };
  };
  await delay(settleMs);
  const alone = await idle();
  const bytesBefore = pssBytes(kodama.pid);
  const agents = await idleAgents(resources, { url, token: await joinTokenOf(kodama), count });
  await delay(settleMs);
  await agents.told();
  const with_ = await idle();
  const { stored, unstored, ended, slowestMs } = await agents.told();
  const bytesEach = (pssBytes(kodama.pid) - bytesBefore) / count;
  const isSound = unstored === 0 && ended === 0 && slowestMs < storedInTimeMs;
  const beats = `${stored} heartbeats written, ${unstored} not, the slowest after ${Math.round(slowestMs)} ms; ${ended} sessions ended; ${with_.commits.toFixed(1)} commits a second, ${alone.commits.toFixed(1)} without`;
  const line = (what: string, reference: number, figure: number): Result => ({
    what: `${count} idle sessions: ${what}`,
    unit: 'ms/s',
    reference: { name: 'none', figure: reference },
    kodama: figure,
    isSound,
    note: beats,
  });
  return [
    line('CPU of the replica', alone.replica, with_.replica),
    line('CPU of PostgreSQL', alone.database, with_.database),
    {
      what: `${count} idle sessions: memory of the replica, each`,
      unit: 'KiB',
      kodama: bytesEach / 1024,
      note: 'PSS, with TLS',
    },
  ];
}

function isPostmaster(commandLine: string): boolean {
  return /\/postgres -D /.test(commandLine);
}

async function idleAgents(
  resources: AsyncDisposableStack,
  {
    url,
    token: { secret, joinUrl },
    count,
  }: {
    readonly url: string;
    readonly token: { readonly secret: string; readonly joinUrl: string };
    readonly count: number;
  },
): Promise<{ told(): Promise<Told> }> {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-bench-nodes-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'nodes.json');
  await writeFile(file, JSON.stringify(await makeNodes(url, count)), { mode: 0o600 });
  const pin = readJoinToken(secret)?.pin ?? '';
  const program = join(benchDir, 'load/idle-agents.ts');
  const child = spawn(process.execPath, [program, joinUrl, pin, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  resources.defer(() => ended(child));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('the idle agents ended early');
    return value;
  };
  if ((await nextLine()) !== 'ready') throw new Error('the idle agents could not begin');
  return {
    async told() {
      child.stdin.write('tell\n');
      return JSON.parse(await nextLine()) as Told;
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}

async function commitsOf(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const text = `SELECT sum(xact_commit) AS commits FROM pg_stat_database`;
    const { rows } = await client.query<{ commits: string }>(text);
    return Number(rows[0]?.commits);
  } finally {
    await client.end();
  }
}

/** As joins make them, of which so many would take their time. */
async function makeNodes(connectionString: string, count: number) {
  const nodes = Array.from({ length: count }, (_, index) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return {
      nodeId: randomUUID(),
      name: `idle-${index}`,
      key,
      publicKey: rawPublicKey(privateKey),
    };
  });
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(
      `WITH made AS (
         INSERT INTO nodes (created_at, project, is_built_in, shared, id, name, key)
         SELECT 0, 1, false, false, id, name, key
         FROM unnest($1::text[], $2::text[], $3::bytea[]) given(id, name, key) RETURNING ref, id
       ) INSERT INTO writers (ref, epoch, append_number, id) SELECT ref, 0, 0, id FROM made`,
      [
        nodes.map(({ nodeId }) => nodeId),
        nodes.map(({ name }) => name),
        nodes.map(({ publicKey }) => publicKey),
      ],
    );
  } finally {
    await client.end();
  }
  return nodes.map(({ nodeId, key }) => ({ nodeId, key }));
}
