/** A database as an earlier version left it. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { migrate, migrationsFolder } from '../../src/postgres/migrations.ts';
import { quietLog as log } from './quiet-log.ts';

/** The migrations up to the one of this name, and without it. */
export async function migrateBefore(client: Client, migration: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-migrations-'));
  try {
    for (const name of (await readdir(migrationsFolder)).filter((one) => one < migration)) {
      await cp(join(migrationsFolder, name), join(folder, name), { recursive: true });
    }
    await migrate(client, log, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
