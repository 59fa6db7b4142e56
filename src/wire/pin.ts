/** By what an agent knows its gateway where no authority vouches for it: the digest of the key of its certificate. */
import { createHash, X509Certificate } from 'node:crypto';

/** SHA-256 of the SubjectPublicKeyInfo (RFC 7469, 2.4), in base64url: it outlives the certificate. */
export function spkiPin(certificate: string | Buffer): string {
  const { publicKey } = new X509Certificate(certificate);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url');
}

/** Whether no authority vouches for it. */
export function isOwnIssuer(certificate: string): boolean {
  const { subject, issuer } = new X509Certificate(certificate);
  return subject === issuer;
}

export interface GivenToken {
  /** What the gateway is shown. */
  readonly secret: string;
  /** Null: the system's authorities vouch for the gateway. */
  readonly pin: string | null;
}

const form = /^(kodamajoin_[0-9A-Za-z]{33})(?:\.([A-Za-z0-9_-]{43}))?$/;

/** A join token, behind which the pin may stand; null where it is none. */
export function readJoinToken(given: string): GivenToken | null {
  const [, secret, pin = null] = form.exec(given.trim()) ?? [];
  return secret === undefined ? null : { secret, pin };
}
