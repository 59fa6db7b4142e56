/** What a kodama says that cannot start: what to change, in plain words, and nothing of it is left. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectTakenPort } from './support/foreign-port.ts';
import { long } from './support/long.ts';
import { run } from './support/printed-run.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('every wrong variable is refused by its name, and nothing else is done', async () => {
  await using home = await temporaryFolder();
  const { code, stdout, stderr } = await run({
    KODAMA_DATA_DIR: join(home.path, 'data'),
    KODAMA_HTTP_PORT: '80800',
    KODAMA_GRPC_HOST: 'http://here',
    KODAMA_WORKERS: 'two',
    KODAMA_INSECURE: 'yes',
    KODAMA_API_TOKEN: 'short',
    KODAMA_LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://here',
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trim().split('\n').toSorted()).toEqual([
    'kodama: DATABASE_URL must be a postgresql:// URL',
    'kodama: KODAMA_API_TOKEN must be 16 to 512 visible ASCII characters',
    'kodama: KODAMA_GRPC_HOST must be an address or a host name',
    'kodama: KODAMA_HTTP_PORT must be a whole number from 0 to 65535',
    'kodama: KODAMA_INSECURE must be true or false',
    'kodama: KODAMA_LOG_LEVEL must be debug, info, warn, error or silent',
    'kodama: KODAMA_WORKERS must be a whole number from 0 to 64',
  ]);
  expect(await readdir(home.path)).toEqual([]);
});

test('a data directory that can not be made is told at once, by its variable', async () => {
  const { code, stdout, stderr } = await run({ KODAMA_DATA_DIR: '/proc/kodama' });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const why = 'ENOENT: no directory can be made in /proc';
  expect(stderr).toBe(`kodama: KODAMA_DATA_DIR (/proc/kodama) cannot be used: ${why}\n`);
});

test('a taken port of REST is named with its variables', long, () =>
  expectTakenPort('REST', 'KODAMA_HTTP', 'json'),
);
