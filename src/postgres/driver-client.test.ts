/** What of the environment has a say in a connection to the database. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeDataDirs, query, startEmbedded } from '../../test/support/embedded-servers.ts';
import { long } from '../../test/support/long.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { makeDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { Database } from './database.ts';
import { PostgresStore } from './postgres-store.ts';
import { storeLimits } from './store-limits.ts';

const variables = {
  PGOPTIONS: '-c search_path=nowhere',
  PGREPLICATION: 'database',
  PGSSLNEGOTIATION: 'direct',
  PGCLIENT_ENCODING: 'latin1',
};
let made: TestDatabase;

beforeEach(async () => {
  made = await makeDatabase();
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await made[Symbol.asyncDispose]();
});

async function searchPaths(url: string): Promise<unknown[]> {
  const text = "SELECT current_setting('search_path')";
  await using database = new Database({ connectionString: url, log, limits: storeLimits });
  await using own = await database.ownClient('kodama test');
  const { rows } = await own.client.query({ text, rowMode: 'array' });
  return [rows, await database.query({ text }), await database.append({ text })].flat(2);
}

test.each([
  ['of PGOPTIONS, where the URL has none', '', 'nowhere'],
  ['of the URL', '&options=-c%20search_path%3Dmine', 'mine'],
  ["the server's own, where the URL wants none", '&options=', '"$user", public'],
])('options are %s; nothing else comes of the environment', async (_, more, path) => {
  expect(await searchPaths(`${made.url}${more}`)).toEqual([path, path, path]);
});

test('none of the environment has a say in the embedded server', long, async () => {
  await using dirs = await makeDataDirs();
  await using server = await startEmbedded(await dirs.make());
  const path = '"$user", public';
  expect(await searchPaths(server.connectionString)).toEqual([path, path, path]);
});

/** Of a server that wants one, with all that a URL has to encode. */
test('a password of the URL is that of every session', async () => {
  const password = "s3/cr:et#'";
  vi.unstubAllEnvs();
  vi.stubEnv('PGPASSWORD', 'another');
  await using dirs = await makeDataDirs();
  await using server = await startEmbedded(await dirs.make());
  const literal = password.replaceAll("'", "''");
  await query(server, `CREATE ROLE guest LOGIN SUPERUSER PASSWORD '${literal}'`);
  const [row] = await query(server, 'SHOW hba_file');
  const { hba_file: rules } = row as { readonly hba_file: string };
  await writeFile(rules, `local all guest scram-sha-256\n${await readFile(rules, 'utf8')}`);
  await query(server, 'SELECT pg_reload_conf()');
  const urlWith = (secret: string) => {
    const url = new URL(server.connectionString.replace('@/', '@unix/'));
    [url.username, url.password] = ['guest', encodeURIComponent(secret)];
    return url.href.replace('@unix/', '@/');
  };
  await expect(searchPaths(urlWith('wrong'))).rejects.toThrow('password authentication failed');
  expect(new Set(await searchPaths(urlWith(password)))).toEqual(new Set(['"$user", public']));
  await using store = await PostgresStore.open({
    ...{ connectionString: urlWith(password), nodeId: 'guest', log },
  });
  expect(await store.projects.find('default')).toMatchObject({ name: 'default' });
});
