import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { makeAuthority, makeCertificate, type Pair } from '../../test/support/tls-certificates.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { CertificateFiles } from './certificate-files.ts';

const names = { cert: 'KODAMA_TLS_CERT', key: 'KODAMA_TLS_KEY' };
const limits = { readIntervalMs: 10, fileBytesMax: 100_000 };
let folder: string;
let first: Pair;
let second: Pair;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kodama-certificates-'));
  const authority = await makeAuthority();
  first = await makeCertificate(authority);
  second = await makeCertificate(authority);
});
afterAll(() => rm(folder, { recursive: true }));

/** Written anew, or in the place of those of before. */
async function put(place: string, { cert, key }: Pair) {
  const paths = { cert: join(place, 'tls.crt'), key: join(place, 'tls.key') };
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key);
  return paths;
}

/** Never seen half written. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function opened(paths: { readonly cert: string; readonly key: string }) {
  const logger = keepingLogger();
  const files = await CertificateFiles.open({
    paths,
    names,
    owner: 'REST and gRPC',
    logger,
    limits,
  });
  const renewed: string[] = [];
  files.onRenewed(({ cert }) => renewed.push(cert));
  const told = (level: string) => logger.lines.filter((line) => line.level === level);
  return { files, renewed, told };
}

const freshPlace = () => mkdtemp(join(folder, 'place-'));

test('what a renewal writes over the files is used from then on', async () => {
  const place = await freshPlace();
  const { files, renewed, told } = await opened(await put(place, first));
  await using _ = files;
  expect(files.pair).toEqual(first);
  await put(place, second);
  await waitFor('the renewal', () => renewed.length === 1);
  expect([renewed, files.pair]).toEqual([[second.cert], second]);
  expect(told('info')).toHaveLength(2);
});

test('a link that is turned round is followed, as Kubernetes renews a secret', async () => {
  const place = await freshPlace();
  const [old, young] = [await freshPlace(), await freshPlace()];
  await put(old, first);
  await put(young, second);
  await symlink(old, join(place, '..data'));
  for (const name of ['tls.crt', 'tls.key']) {
    await symlink(join('..data', name), join(place, name));
  }
  const paths = { cert: join(place, 'tls.crt'), key: join(place, 'tls.key') };
  const { files, renewed, told } = await opened(paths);
  await using _ = files;
  await symlink(young, join(place, '..data_tmp'));
  await rename(join(place, '..data_tmp'), join(place, '..data'));
  await waitFor('the renewal', () => renewed.length === 1);
  expect([renewed, told('warn')]).toEqual([[second.cert], []]);
});

test('what does not fit, or is not there, leaves the old pair, and is told once', async () => {
  const place = await freshPlace();
  const paths = await put(place, first);
  const { files, renewed, told } = await opened(paths);
  await using _ = files;
  const reasons = () => told('warn').map(({ fields }) => Reflect.get(fields, 'reason'));
  await replace(paths.cert, second.cert);
  await waitFor('its being told', () => reasons().length === 1);
  await rm(paths.key);
  await waitFor('its being told', () => reasons().length === 2);
  await replace(paths.key, 'garbage');
  await waitFor('its being told', () => reasons().length === 3);
  expect(reasons()).toEqual([
    'KODAMA_TLS_KEY: is not the key of KODAMA_TLS_CERT',
    expect.stringMatching(/^KODAMA_TLS_KEY cannot be read: ENOENT/),
    'KODAMA_TLS_KEY: is not a PEM private key',
  ]);
  expect([files.pair, renewed]).toEqual([first, []]);
  await replace(paths.key, second.key);
  await waitFor('the renewal', () => renewed.length === 1);
  expect(files.pair).toEqual(second);
});

test('one whose time is over is used, and it is said', async () => {
  const past = { notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2020-02-01') };
  const expired = await makeCertificate(await makeAuthority(), past);
  const { files, told } = await opened(await put(await freshPlace(), expired));
  await using _ = files;
  expect(told('warn')).toMatchObject([{ fields: { until: '2020-02-01T00:00:00.000Z' } }]);
});

test.each([
  // In these words whenever it goes: told once.
  ['no file', 'KODAMA_TLS_CERT cannot be read: ENOENT: .*, open ', async () => '/nowhere/tls.crt'],
  ['a pipe', 'KODAMA_TLS_CERT cannot be read: .* is no file', pipe],
  ['a folder', 'KODAMA_TLS_CERT cannot be read: .* is no file', async () => folder],
  ['a device', 'KODAMA_TLS_CERT cannot be read: .* is no file', async () => '/dev/zero'],
  [
    'a large file',
    'KODAMA_TLS_CERT cannot be read: .* 100000 bytes',
    () => written('x'.repeat(1e6)),
  ],
  ['no PEM', 'KODAMA_TLS_CERT: is not a PEM certificate', () => written('garbage')],
  ['the key', 'KODAMA_TLS_CERT: may hold CERTIFICATE only', () => written(first.key)],
  ['another certificate', 'KODAMA_TLS_KEY: is not the key of', () => written(second.cert)],
])('with %s in the place of the certificate it does not open', async (_, words, place) => {
  const { key } = await put(await freshPlace(), first);
  const paths = { cert: await place(), key };
  const open = CertificateFiles.open({
    ...{ paths, names, owner: 'REST and gRPC', logger: keepingLogger(), limits },
  });
  await expect(open).rejects.toThrow(new RegExp(`^${words}`));
});

async function pipe(): Promise<string> {
  const path = join(await freshPlace(), 'pipe');
  await promisify(execFile)('mkfifo', [path]);
  return path;
}

async function written(text: string): Promise<string> {
  const path = join(await freshPlace(), 'other.pem');
  await writeFile(path, text);
  return path;
}
