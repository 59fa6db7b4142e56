import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { certificates } from './certificates.ts';

const tls = {
  cert: null,
  key: null,
  ca: null,
  clientAuth: 'none' as const,
  minVersion: 'TLSv1.2' as const,
};

test('a self-signed certificate is good for localhost and the bound address', async () => {
  const { settings, key } = await certificates.prepare(tls, '127.0.0.9');
  const leaf = new X509Certificate(settings.cert);
  expect(settings.isSelfSigned).toBe(true);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkIP('127.0.0.9')).toBe('127.0.0.9');
  expect(leaf.fingerprint256).toBe(settings.fingerprint256);
  expect(JSON.stringify(settings)).not.toContain('PRIVATE');
  expect(key).toContain('PRIVATE KEY');
});

test('a given pair is kept, and a pair that does not belong together is refused by name', async () => {
  const one = await certificates.prepare(tls, '127.0.0.1');
  const other = await certificates.prepare(tls, '127.0.0.1');
  const given = { ...tls, cert: one.settings.cert, key: one.key };
  const kept = await certificates.prepare(given, '127.0.0.1');
  expect(kept.settings).toMatchObject({ cert: one.settings.cert, isSelfSigned: false });
  await expect(
    certificates.prepare({ ...given, key: other.key }, '127.0.0.1'),
  ).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { errors: [{ path: 'tls.key', message: 'is not the key of tls.cert' }] },
  });
});

test.each([
  ['tls.cert', { cert: '-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----' }],
  ['tls.key', { key: '-----BEGIN PRIVATE KEY-----\nnope\n-----END PRIVATE KEY-----' }],
  ['tls.ca', { ca: '-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----' }],
])('%s that does not parse is refused by name', async (path, broken) => {
  const { settings, key } = await certificates.prepare(tls, '127.0.0.1');
  const given = { ...tls, cert: settings.cert, key, ...broken };
  await expect(certificates.prepare(given, '127.0.0.1')).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { errors: [expect.objectContaining({ path })] },
  });
});
