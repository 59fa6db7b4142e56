/**
 * What a node signs to show that it is the one that joined: it names the stream, the database and the boot, so that what
 * was signed for one of them is nothing to another. Ed25519 (RFC 8032).
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export interface HelloParts {
  readonly installation: string;
  readonly nodeId: string;
  readonly bootId: string;
  readonly nonce: Buffer;
}

const purpose = 'kodama-node-1';
const keyGeneration = 0;

function signedBytes({ installation, nodeId, bootId, nonce }: HelloParts): Buffer {
  const parts = [purpose, installation, nodeId, bootId, keyGeneration, nonce.toString('base64')];
  return Buffer.from(JSON.stringify(parts));
}

export function signHello(key: KeyObject, parts: HelloParts): Buffer {
  return sign(null, signedBytes(parts), key);
}

/** `publicKey` is the raw 32 bytes. */
export function isHelloOf(publicKey: Buffer, parts: HelloParts, signature: Buffer): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') };
  return verify(null, signedBytes(parts), createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

/** The raw 32 bytes of the public half. */
export function rawPublicKey(key: KeyObject): Buffer {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url');
}
