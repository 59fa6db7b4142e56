import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isHelloOf, rawPublicKey, signHello } from './hello-signature.ts';

const parts = {
  installation: randomUUID(),
  nodeId: 'node-1',
  bootId: randomUUID(),
  nonce: randomBytes(32),
};

test('a hello is its node’s for this stream, this database and this boot, and for nothing else', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKey = rawPublicKey(privateKey);
  const signature = signHello(privateKey, parts);
  expect(publicKey).toHaveLength(32);
  expect(signature).toHaveLength(64);
  expect(isHelloOf(publicKey, parts, signature)).toBe(true);
  for (const other of [
    { installation: randomUUID() },
    { nodeId: 'node-2' },
    { bootId: randomUUID() },
    { nonce: randomBytes(32) },
  ]) {
    expect(isHelloOf(publicKey, { ...parts, ...other }, signature)).toBe(false);
  }
  const { privateKey: stranger } = generateKeyPairSync('ed25519');
  expect(isHelloOf(rawPublicKey(stranger), parts, signature)).toBe(false);
});
