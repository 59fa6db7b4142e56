/** What a kodama says that cannot start: what to change, in plain words, and nothing of it is left. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectTakenPort } from './support/foreign-port.ts';
import { streamEvents } from './support/grpc-client.ts';
import { run } from './support/printed-run.ts';
import { want } from './support/rest-client.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { makeHome, startApp } from './support/test-app.ts';

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
    'kodama: KODAMA_WORKERS must be a whole number from 1 to 64',
  ]);
  expect(await readdir(home.path)).toEqual([]);
});

test('a taken port of REST is named with its variables', () =>
  expectTakenPort('REST', 'KODAMA_HTTP', 'json'));

test('localhost is both of its addresses, on both edges', async () => {
  await using home = await makeHome();
  const hosts = { KODAMA_HTTP_HOST: 'localhost', KODAMA_GRPC_HOST: 'localhost' };
  await using app = await startApp(hosts, home);
  for (const ip of ['127.0.0.1', '[::1]']) {
    const url = `http://${ip}:${app.httpPort}`;
    await want(200, { ...app, url }, 'GET', '/v1/status');
    await using stream = streamEvents(`${ip}:${app.grpcPort}`, {}, { afterSeq: 0 });
    await stream.synced;
  }
});

test('a DATABASE_URL that is none is refused without showing its password', async () => {
  await using home = await temporaryFolder();
  const { code, stdout, stderr } = await run({
    KODAMA_DATA_DIR: join(home.path, 'data'),
    DATABASE_URL: 'postgresql://me:pa/ss@db.example/kodama',
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^kodama: DATABASE_URL is not a URL: percent-encode [^\n]+\n$/);
  expect(stderr).not.toMatch(/pa\/|ss@|db\.example/);
});

test('a word that no program asked for starts no server', async () => {
  await using home = await temporaryFolder();
  const { code, stderr } = await run({ KODAMA_DATA_DIR: join(home.path, 'data') }, ['serve']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("'serve'") });
  expect(await readdir(home.path)).toEqual([]);
});
