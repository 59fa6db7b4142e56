import {
  createPrivateKey,
  generateKeyPairSync,
  generatePrimeSync,
  X509Certificate,
} from 'node:crypto';
import { generate } from 'selfsigned';
import { expect, test } from 'vitest';
import { junkChain } from '../../test/support/junk-chain.ts';
import { largePair } from '../../test/support/large-pair.ts';
import { makeAuthority, makeCertificate } from '../../test/support/tls-certificates.ts';
import type { NewTls } from '../core/listener.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import { Turns } from '../core/turns.ts';
import { certificatesIn, checkPair } from './certificates.ts';

const turns = new Turns<ProjectRef>({ pieceItemsMax: 1, turnMs: 1 });
const project = projectRef(1);
const certificates = {
  prepare: (given: NewTls, host: string) => certificatesIn(turns).prepare(given, host, project),
};

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

test('a self-signed certificate is of P-256, for a server, and good for clients whose clock is behind', async () => {
  const { settings } = await certificates.prepare(tls, '0.0.0.0');
  const leaf = new X509Certificate(settings.cert);
  expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(leaf.subjectAltName).toBe(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(leaf.ca).toBe(false);
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  const day = 86_400_000;
  expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now() - day / 2);
  const lifetime = Date.parse(leaf.validTo) - Date.parse(leaf.validFrom);
  expect(lifetime).toBeLessThanOrEqual(825 * day);
  expect(lifetime).toBeGreaterThan(700 * day);
});

test('an IPv6 host is in the certificate', async () => {
  const { settings } = await certificates.prepare(tls, '2001:db8::1');
  expect(new X509Certificate(settings.cert).checkIP('2001:db8::1')).toBe('2001:db8::1');
});

async function refusal(given: Partial<NewTls>) {
  const error: unknown = await certificates.prepare({ ...tls, ...given }, '127.0.0.1').then(
    () => null,
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_argument' });
  const { details } = error as { details: { errors: { path: string; message: string }[] } };
  return details.errors;
}

test('a chain is taken leaf first, and named where it is not', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await makeCertificate(authority);
  const chain = await certificates.prepare(
    { ...tls, cert: `${cert}\n${authority.cert}`, key },
    '127.0.0.1',
  );
  expect(chain.settings.fingerprint256).toBe(new X509Certificate(cert).fingerprint256);
  expect(await refusal({ cert: `${authority.cert}\n${cert}`, key })).toEqual([
    { path: 'tls.cert', message: 'has its leaf, the certificate of tls.key, not first' },
  ]);
});

test('a key with a passphrase is refused by name, in both ways in which it is written', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const encrypt = { cipher: 'aes-256-cbc', passphrase: 'secret', format: 'pem' } as const;
  for (const type of ['pkcs8', 'sec1'] as const) {
    const encrypted = String(createPrivateKey(key).export({ ...encrypt, type }));
    expect(await refusal({ cert, key: encrypted })).toEqual([
      { path: 'tls.key', message: 'is encrypted: it is needed without a passphrase' },
    ]);
  }
});

test('a key in the file of the certificate is refused: it would be shown', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const message = 'may hold CERTIFICATE only, and holds PRIVATE KEY';
  expect(await refusal({ cert: `${cert}\n${key}`, key })).toEqual([{ path: 'tls.cert', message }]);
  expect(await refusal({ ca: `${cert}\n${key}` })).toEqual([{ path: 'tls.ca', message }]);
});

test('every authority is looked at, not the first one only', async () => {
  const { cert } = await makeAuthority();
  const broken = '-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----';
  expect(await refusal({ ca: `${cert}\n${broken}` })).toMatchObject([{ path: 'tls.ca' }]);
  const { settings } = await certificates.prepare({ ...tls, ca: `${cert}\n${cert}` }, '::1');
  expect(settings.ca).toContain(cert.trim());
});

test('of a chain or a list so many certificates are read, and each in its turn', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const many = (count: number) => Array(count).fill(cert).join('\n');
  const message = 'has 33 certificates, and may have at most 32';
  expect(await refusal({ cert: many(33), key })).toEqual([{ path: 'tls.cert', message }]);
  expect(await refusal({ ca: many(33) })).toEqual([{ path: 'tls.ca', message }]);
  const took: ProjectRef[] = [];
  const counted = certificatesIn({ next: async (by) => void took.push(by) });
  const given = { ...tls, cert: many(32), key, ca: many(32) };
  await counted.prepare(given, '127.0.0.1', project);
  // Each is read, then its key, and all once more by OpenSSL.
  expect(took.length).toBeGreaterThan(4 * 32);
  expect(new Set(took)).toEqual(new Set([project]));
});

test('text may stand around the blocks, as openssl prints it (RFC 7468)', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await makeCertificate(authority);
  const around = (pem: string) => `Bag Attributes\n  friendlyName: 木霊 -- x\n${pem}\nend\n`;
  const given = { cert: around(cert), key: around(key), ca: around(authority.cert) };
  const { settings } = await certificates.prepare({ ...tls, ...given }, '127.0.0.1');
  expect(settings.fingerprint256).toBe(new X509Certificate(cert).fingerprint256);
});

test('an expired certificate is taken: how clients meet it may be what is tested', async () => {
  const past = { notBeforeDate: new Date(0), notAfterDate: new Date(1e12) };
  const { cert, key } = await makeCertificate(await makeAuthority(), past);
  const { settings } = await certificates.prepare({ ...tls, cert, key }, '127.0.0.1');
  expect(settings.isSelfSigned).toBe(false);
});

test('an RSA key above the bound is refused wherever it stands: each ClientHello costs a signature', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const message = 'has an RSA key of 4104 bits, which may have at most 4096';
  expect(await refusal(largePair)).toEqual([{ path: 'tls.key', message }]);
  expect(await refusal({ cert: `${cert}\n${largePair.cert}`, key })).toEqual([
    { path: 'tls.cert', message },
  ]);
  expect(await refusal({ ca: `${cert}\n${largePair.cert}` })).toEqual([
    { path: 'tls.ca', message },
  ]);
  // Whoever runs kodama may give its edges what they like.
  const names = { cert: 'CERT', key: 'KEY' };
  expect(checkPair(largePair, names).subject).toBe('CN=large');
});

/** Nobody makes such: its exponent is as long as the key. */
function rsaKeyOfLongExponent(): string {
  const prime = () => generatePrimeSync(1024, { bigint: true });
  const exponent = generatePrimeSync(2040, { bigint: true });
  const [p, q] = [prime(), prime()];
  const number = (value: bigint) =>
    Buffer.from(value.toString(16).padStart(512, '0'), 'hex').toString('base64url');
  const d = inverseOf(exponent, (p - 1n) * (q - 1n));
  const parts = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n) };
  const all = Object.entries({ ...parts, qi: inverseOf(q, p) });
  const jwk = {
    kty: 'RSA',
    ...Object.fromEntries(all.map(([name, part]) => [name, number(part)])),
  };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

function inverseOf(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

test('an RSA key with a long public exponent is refused wherever it stands: that costs as well', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const message = 'has an RSA key whose public exponent may be at most 4294967296: 65537 is usual';
  expect(await refusal({ cert, key: rsaKeyOfLongExponent() })).toEqual([
    { path: 'tls.key', message },
  ]);
  const junk = junkChain(1).cert;
  expect(await refusal({ cert: `${cert}\n${junk}`, key })).toEqual([{ path: 'tls.cert', message }]);
  expect(await refusal({ ca: `${cert}\n${junk}` })).toEqual([{ path: 'tls.ca', message }]);
});

test('keys of kinds that hardly a client speaks are refused by name', async () => {
  const { cert } = await makeCertificate(await makeAuthority());
  const odd = [
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('ec', { namedCurve: 'sect571r1' }),
    generateKeyPairSync('x25519'),
  ];
  for (const { privateKey } of odd) {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(await refusal({ cert, key: String(key) })).toMatchObject([
      { path: 'tls.key', message: expect.stringMatching(/^has a key of another kind than RSA, /) },
    ]);
  }
});

test.each([
  { keyType: 'rsa', keySize: 2048, algorithm: 'sha256' },
  { keyType: 'ec', curve: 'P-384', algorithm: 'sha384' },
  { keyType: 'ec', curve: 'P-521', algorithm: 'sha512' },
] as const)('a pair of %j is taken', async (options) => {
  const made = await generate([{ name: 'commonName', value: 'kodama' }], options);
  const given = { ...tls, cert: made.cert, key: made.private, ca: made.cert };
  expect((await certificates.prepare(given, '::1')).settings.isSelfSigned).toBe(false);
});
