/** The certificates of TLS listeners: a given pair is checked, or a self-signed one is made on the spot. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { generate } from 'selfsigned';
import { invalidField } from '../core/errors.ts';
import type { NewTls, TlsSettings } from '../core/listener.ts';
import type { Certificates } from '../core/ports.ts';

const selfSignedDays = 825;
const millisPerDay = 86_400_000;

export const certificates: Certificates = {
  async prepare(tls, host) {
    const isSelfSigned = tls.cert === null || tls.key === null;
    const pair = isSelfSigned ? await makeSelfSigned(host) : { cert: tls.cert, key: tls.key };
    const { fingerprint256 } = checkPair(pair.cert, pair.key);
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

/** For localhost, the loopback addresses and the bound host; P-256, which every TLS 1.2 client speaks. */
async function makeSelfSigned(host: string): Promise<{ cert: string; key: string }> {
  const ips = new Set(['127.0.0.1', '::1', host].filter((ip) => isIP(ip) !== 0));
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'kodama' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + selfSignedDays * millisPerDay),
    extensions: [
      { name: 'basicConstraints', cA: false },
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

/** @throws invalid_argument that names the part at fault */
function checkPair(cert: string, key: string): X509Certificate {
  const leaf = attempt('tls.cert', 'is not a PEM certificate', () => new X509Certificate(cert));
  const privateKey = attempt('tls.key', 'is not a PEM private key without a passphrase', () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(privateKey))
    throw invalidField('tls.key', 'is not the key of tls.cert');
  attempt('tls.cert', 'is a chain that TLS cannot use', () => createSecureContext({ cert, key }));
  return leaf;
}

function checkAuthorities({ ca }: NewTls): void {
  if (ca === null) return;
  attempt('tls.ca', 'is not a PEM certificate', () => new X509Certificate(ca));
}

function attempt<Result>(path: string, message: string, work: () => Result): Result {
  try {
    return work();
  } catch {
    // OpenSSL's own words would name its routines, not the caller's field.
    throw invalidField(path, message);
  }
}
