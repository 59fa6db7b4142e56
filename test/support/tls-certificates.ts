/** An authority of a test's own, and certificates by it. */
import { generate } from 'selfsigned';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const ec = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

export async function makeAuthority(name = 'test authority'): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...ec,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** That nobody vouches for. */
export async function makeOwnCertificate(): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: 'kodama' }], ec);
  return { cert: made.cert, key: made.private };
}

export async function makeCertificate(
  authority: Pair,
  validity: { readonly notBeforeDate?: Date; readonly notAfterDate?: Date } = {},
): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: 'test client' }], {
    ...ec,
    ...validity,
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}
