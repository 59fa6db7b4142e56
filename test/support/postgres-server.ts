/** One PostgreSQL server for the whole run; each test has a database of its own on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the server's maintenance database. */
    postgresUrl: string;
  }
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Tests start many kodamas, each with a new data directory: what one compiles, the next need not. */
const compileCache = join(import.meta.dirname, '../../node_modules/.cache/kodama-tests');

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env.NODE_COMPILE_CACHE = compileCache;
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-test-'));
  const bounds = { startTimeoutMs: 60_000, stopTimeoutMs: 10_000 };
  const server = await EmbeddedPostgres.start({ dataDir, log: quiet, ...bounds });
  project.provide('postgresUrl', server.connectionString);
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
