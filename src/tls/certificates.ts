/** The certificates of TLS listeners: a given pair is checked, or a self-signed one is made on the spot. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { invalidField } from '../core/errors.ts';
import type { NewTls, TlsSettings } from '../core/listener.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import type { Certificates } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Turns } from '../core/turns.ts';

type GivenTls = Pick<NewTls, 'cert' | 'key' | 'ca'>;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** The most that clients of Apple take. */
const selfSignedDays = 825;
const millisPerDay = 86_400_000;
const unspecified = new Set(['0.0.0.0', '::']);

/** What is given is read a certificate at a time, each when it is the project's turn. */
export function certificatesIn(turns: Pick<Turns<ProjectRef>, 'next'>): Certificates {
  return {
    async prepare(tls, host, project) {
      const given = givenPair(tls);
      const isSelfSigned = given === null;
      const pair = given ?? (await makeSelfSigned(host, selfSignedDays));
      const turn = () => turns.next(project);
      const { fingerprint256 } = await inTurns(
        checkingPair(pair, ofListener, assertCheapKey),
        turn,
      );
      await inTurns(checkingAuthorities(tls), turn);
      const { clientAuth, ca, minVersion } = tls;
      const settings: TlsSettings = {
        cert: pair.cert,
        isSelfSigned,
        fingerprint256,
        clientAuth,
        ca,
        minVersion,
      };
      return { settings, key: pair.key };
    },
  };
}

/** What yields where it may rest for a while. */
type Checking<Result> = Generator<void, Result, void>;

async function inTurns<Result>(
  checking: Checking<Result>,
  turn: () => Promise<void>,
): Promise<Result> {
  for (;;) {
    await turn();
    const step = checking.next();
    if (step.done) return step.value;
  }
}

function atOnce<Result>(checking: Checking<Result>): Result {
  for (;;) {
    const step = checking.next();
    if (step.done) return step.value;
  }
}

/** What is given of a listener's TLS, before anything is done with it. @throws invalid_argument */
export function checkGiven(tls: GivenTls): void {
  const pair = givenPair(tls);
  if (pair !== null) atOnce(checkingPair(pair, ofListener, assertCheapKey));
  atOnce(checkingAuthorities(tls));
}

function givenPair({ cert, key }: GivenTls): Pair | null {
  return cert === null || key === null ? null : { cert, key };
}

/**
 * The certificate is for localhost, the loopback addresses and the bound one; its key is P-256, which every TLS 1.2
 * client speaks. It is good since yesterday, for clients whose clock is behind ours.
 */
export async function makeSelfSigned(host: string, days: number): Promise<Pair> {
  const isNamed = isIP(host) !== 0 && !unspecified.has(host);
  const ips = new Set(['127.0.0.1', '::1', ...(isNamed ? [host] : [])]);
  const now = Date.now();
  // Its ASN.1 takes a quarter of a second to load: most kodamas never need it.
  const { generate } = await import('selfsigned');
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'kodama' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - millisPerDay),
    notAfterDate: new Date(now + (days - 1) * millisPerDay),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          ...[...ips].map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { cert, key };
}

/** How whoever gives a certificate and its key knows them. */
export interface PairNames {
  readonly cert: string;
  readonly key: string;
}

const ofListener: PairNames = { cert: 'tls.cert', key: 'tls.key' };

type CheckKey = (path: string, key: KeyObject) => void;

/**
 * An expired one is taken as it is: how clients meet it may be what is tested.
 * @throws invalid_argument
 */
export function checkPair(pair: Pair, names: PairNames): X509Certificate {
  return atOnce(checkingPair(pair, names));
}

/** `checkKey` is asked about each of its keys. */
function* checkingPair(
  { cert, key }: Pair,
  names: PairNames,
  checkKey: CheckKey = () => undefined,
): Checking<X509Certificate> {
  const chain = yield* readCertificates(names.cert, cert);
  if (/ENCRYPTED/.test(key)) {
    throw invalidField(names.key, 'is encrypted: it is needed without a passphrase');
  }
  const privateKey = attempt(names.key, 'is not a PEM private key', () => createPrivateKey(key));
  checkKey(names.key, privateKey);
  for (const one of chain) {
    yield;
    checkKey(names.cert, publicKeyOf(names.cert, one));
  }
  const [leaf] = chain;
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey)) {
    const isBehind = chain.some((one) => one.checkPrivateKey(privateKey));
    if (isBehind)
      throw invalidField(names.cert, `has its leaf, the certificate of ${names.key}, not first`);
    throw invalidField(names.key, `is not the key of ${names.cert}`);
  }
  yield;
  attempt(names.cert, 'is a chain that TLS cannot use', () => createSecureContext({ cert, key }));
  return leaf;
}

function* checkingAuthorities({ ca }: GivenTls): Checking<void> {
  if (ca === null) return;
  for (const one of yield* readCertificates('tls.ca', ca)) {
    yield;
    assertCheapKey('tls.ca', publicKeyOf('tls.ca', one));
  }
  yield;
  attempt('tls.ca', 'is a list that TLS cannot use', () => createSecureContext({ ca }));
}

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Whoever sends a ClientHello has the worker sign with the key, which all projects share: RSA costs the cube of its bits.
 * Its signature is checked before it goes out, which costs the bits of the public exponent.
 * @throws invalid_argument
 */
function assertCheapKey(path: string, key: KeyObject): void {
  const { asymmetricKeyType: type = '', asymmetricKeyDetails = {} } = key;
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = asymmetricKeyDetails;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { rsaBitsMax, rsaExponentMax } = defaultBounds;
    if (modulusLength > rsaBitsMax) {
      const message = `has an RSA key of ${modulusLength} bits, which may have at most ${rsaBitsMax}`;
      throw invalidField(path, message);
    }
    if (publicExponent > rsaExponentMax) {
      const message = `has an RSA key whose public exponent may be at most ${rsaExponentMax}: 65537 is usual`;
      throw invalidField(path, message);
    }
    return;
  }
  if (type === 'ed25519' || type === 'ed448') return;
  if (type === 'ec' && curves.has(namedCurve)) return;
  const taken = 'RSA, ECDSA on P-256, P-384 and P-521, Ed25519 and Ed448';
  throw invalidField(path, `has a key of another kind than ${taken}`);
}

function publicKeyOf(path: string, certificate: X509Certificate): KeyObject {
  return attempt(path, 'has a key that TLS cannot use', () => certificate.publicKey);
}

/** What is shown again holds certificates and nothing else: a key in the same file is an easy mistake. */
function* readCertificates(path: string, pem: string): Checking<readonly X509Certificate[]> {
  const labels = [...pem.matchAll(/-----BEGIN ([^-\n]*)-----/g)].map(([, label]) => label);
  const other = labels.find((label) => label !== 'CERTIFICATE');
  if (other !== undefined) {
    throw invalidField(path, `may hold CERTIFICATE only, and holds ${other}`);
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length !== labels.length) {
    throw invalidField(path, 'is not a PEM certificate');
  }
  const { certificatesMax } = defaultBounds;
  if (blocks.length > certificatesMax) {
    const message = `has ${blocks.length} certificates, and may have at most ${certificatesMax}`;
    throw invalidField(path, message);
  }
  const read: X509Certificate[] = [];
  for (const block of blocks) {
    yield;
    read.push(attempt(path, 'is not a PEM certificate', () => new X509Certificate(block)));
  }
  return read;
}

function attempt<Result>(path: string, message: string, work: () => Result): Result {
  try {
    return work();
  } catch {
    // OpenSSL's own words would name its routines, not the caller's field.
    throw invalidField(path, message);
  }
}
