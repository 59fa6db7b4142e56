/** The certificates of TLS listeners: a given pair is checked, or a self-signed one is made on the spot. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { invalidField } from '../core/errors.ts';
import type { NewTls, TlsSettings } from '../core/listener.ts';
import type { Certificates } from '../core/ports.ts';

/** The most that clients of Apple take. */
const selfSignedDays = 825;
const millisPerDay = 86_400_000;
const unspecified = new Set(['0.0.0.0', '::']);

export const certificates: Certificates = {
  async prepare(tls, host) {
    const isSelfSigned = tls.cert === null || tls.key === null;
    const pair = isSelfSigned
      ? await makeSelfSigned(host, selfSignedDays)
      : { cert: tls.cert, key: tls.key };
    const { fingerprint256 } = checkPair(pair, ofListener);
    checkAuthorities(tls);
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

/**
 * The certificate is for localhost, the loopback addresses and the bound one; its key is P-256, which every TLS 1.2
 * client speaks. It is good since yesterday, for clients whose clock is behind ours.
 */
export async function makeSelfSigned(
  host: string,
  days: number,
): Promise<{ cert: string; key: string }> {
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

/** An expired one is taken as it is: how clients meet it may be what is tested. @throws invalid_argument */
export function checkPair(
  { cert, key }: { readonly cert: string; readonly key: string },
  names: PairNames,
): X509Certificate {
  const chain = readCertificates(names.cert, cert);
  if (/ENCRYPTED/.test(key)) {
    throw invalidField(names.key, 'is encrypted: it is needed without a passphrase');
  }
  const privateKey = attempt(names.key, 'is not a PEM private key', () => createPrivateKey(key));
  const [leaf] = chain;
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey)) {
    const isBehind = chain.some((one) => one.checkPrivateKey(privateKey));
    if (isBehind)
      throw invalidField(names.cert, `has its leaf, the certificate of ${names.key}, not first`);
    throw invalidField(names.key, `is not the key of ${names.cert}`);
  }
  attempt(names.cert, 'is a chain that TLS cannot use', () => createSecureContext({ cert, key }));
  return leaf;
}

function checkAuthorities({ ca }: NewTls): void {
  if (ca === null) return;
  readCertificates('tls.ca', ca);
  attempt('tls.ca', 'is a list that TLS cannot use', () => createSecureContext({ ca }));
}

/** What is shown again holds certificates and nothing else: a key in the same file is an easy mistake. */
function readCertificates(path: string, pem: string): readonly X509Certificate[] {
  const labels = [...pem.matchAll(/-----BEGIN ([^-\n]*)-----/g)].map(([, label]) => label);
  const other = labels.find((label) => label !== 'CERTIFICATE');
  if (other !== undefined) {
    throw invalidField(path, `may hold CERTIFICATE only, and holds ${other}`);
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length !== labels.length) {
    throw invalidField(path, 'is not a PEM certificate');
  }
  return attempt(path, 'is not a PEM certificate', () =>
    blocks.map((block) => new X509Certificate(block)),
  );
}

function attempt<Result>(path: string, message: string, work: () => Result): Result {
  try {
    return work();
  } catch {
    // OpenSSL's own words would name its routines, not the caller's field.
    throw invalidField(path, message);
  }
}
