/**
 * One PostgreSQL server for the whole run; each test has a database of its own on it, copied from one that was migrated
 * once. The server is kodama's own but for what makes it survive a crash of the machine, which no test of it is about.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import {
  type PostgresBinaries,
  preparePostgresBinaries,
} from '../../src/embedded-postgres/postgres-binaries.ts';
import {
  ensureCluster,
  ensureSocketDirectory,
  socketPort,
  superuser,
} from '../../src/embedded-postgres/postgres-cluster.ts';
import { launch, shutDown, untilReady } from '../../src/embedded-postgres/postmaster.ts';
import { migrate } from '../../src/postgres/migrations.ts';
import { templateDatabase, withDatabase } from './test-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run, gone after it. */
    folder: string;
    /** Connection string of the server's maintenance database. */
    postgresUrl: string;
    /** A cluster as initdb makes it, for servers of a test's own to be copied. */
    postgresCluster: string;
  }
}

const nothing = () => undefined;
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const memoryBytesMin = 4 * 1024 ** 3;
const unsynced = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
/** Its clients are not one kodama, but as many as run at once in all files. */
const shared = { max_connections: '200' };

/** Tests start many kodamas, each with a new data directory: what one compiles, the next need not. */
const compileCache = join(import.meta.dirname, '../../node_modules/.cache/kodama-tests');

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env.NODE_COMPILE_CACHE = compileCache;
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(await roomyFolder(), 'kodama-test-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  project.provide('folder', folder);
  const cluster = join(folder, 'postgres');
  const binaries = await preparePostgresBinaries(join(folder, 'postgres.lib'));
  await ensureCluster(cluster, binaries, AbortSignal.timeout(startTimeoutMs));
  const pristine = join(folder, 'pristine');
  await promisify(execFile)('cp', ['-Rp', cluster, pristine]);
  project.provide('postgresCluster', pristine);
  const url = await startServer({ folder, cluster, binaries }, resources);
  await makeTemplate(url);
  project.provide('postgresUrl', url);
  const all = resources.move();
  return () => all.disposeAsync();
}

/** In memory where there is room for the databases of a run: to copy one on a disk costs ten times as much. */
async function roomyFolder(): Promise<string> {
  const memory = '/dev/shm';
  try {
    const { bavail, bsize } = await statfs(memory);
    return bavail * bsize >= memoryBytesMin ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}

interface Ground {
  readonly folder: string;
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
}

/** Resolves with the connection string of its maintenance database. */
async function startServer(
  { folder, cluster, binaries }: Ground,
  resources: AsyncDisposableStack,
): Promise<string> {
  const socketDirectory = await ensureSocketDirectory(folder);
  resources.defer(() => rm(socketDirectory, { recursive: true, force: true }));
  const place = { cluster, socketDirectory, logFile: join(folder, 'postgres.log'), binaries };
  const postmaster = await launch(place, { ...unsynced, ...shared });
  resources.defer(() => shutDown(place, postmaster, stopTimeoutMs));
  await untilReady(place, postmaster, AbortSignal.timeout(startTimeoutMs));
  const host = encodeURIComponent(socketDirectory);
  return `postgresql://${superuser}@/postgres?host=${host}&port=${socketPort}&sslmode=disable`;
}

async function makeTemplate(url: string): Promise<void> {
  const template = withDatabase(url, templateDatabase);
  await connected(url, async (client) => {
    await client.query(`CREATE DATABASE ${templateDatabase}`);
    await connected(template, (migrating) => migrate(migrating, quiet));
    // A database that somebody is connected to can not be copied.
    await client.query(`ALTER DATABASE ${templateDatabase} ALLOW_CONNECTIONS false`);
  });
}

async function connected(
  connectionString: string,
  work: (client: Client) => Promise<unknown>,
): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
