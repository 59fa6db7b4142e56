/** An authority of a test's own, and certificates by it. */
import { generateKeyPairSync } from 'node:crypto';
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

/** Four of them, the root last, with RSA keys of 4,096 bits (one and the same: to make one takes its time). */
export async function makeLongChain(): Promise<Pair & { readonly root: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const key = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const keyPair = {
    privateKey: key,
    publicKey: String(publicKey.export({ format: 'pem', type: 'spki' })),
  };
  const chain: string[] = [];
  for (const name of ['root', 'intermediate', 'issuing', 'client']) {
    const [above] = chain;
    const { cert } = await generate([{ name: 'commonName', value: `${name} of the test` }], {
      ...{ keyType: 'rsa', algorithm: 'sha256', keyPair },
      ...(above === undefined ? {} : { ca: { cert: above, key } }),
      extensions: [
        { name: 'basicConstraints', cA: name !== 'client', critical: true },
        // As much as usual ones say of policies and of where to ask.
        { name: 'subjectAltName', altNames: [{ type: 6, value: `http://${'a'.repeat(400)}/` }] },
      ],
    });
    chain.unshift(cert);
  }
  return { cert: chain.join('\n'), key, root: chain.at(-1) ?? '' };
}
