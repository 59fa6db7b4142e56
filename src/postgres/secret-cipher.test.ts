import { createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { SecretCipher } from './secret-cipher.ts';

const keyOf = (byte: number) => createSecretKey(Buffer.alloc(32, byte));
const current = keyOf(1);
const old = keyOf(2);
const place = { project: 1, listenerId: '01990000-0000-7000-8000-000000000001' };
const cipher = new SecretCipher({ current, old });
const before = new SecretCipher({ current: old, old: null });

function sealed(by: SecretCipher, text: string) {
  const made = by.seal(text, place);
  if (made === null) throw new TypeError('it has a key');
  return made;
}

test('what is sealed is opened at its place, under the current key or the one before', () => {
  for (const text of ['', 'a key', randomBytes(5000).toString('hex'), '鍵']) {
    expect(cipher.open(sealed(cipher, text), place)).toBe(text);
    expect(cipher.open(sealed(before, text), place)).toBe(text);
  }
  expect(sealed(cipher, 'a').keyId).toBe(cipher.currentId);
  expect(sealed(before, 'a').keyId).toBe(cipher.oldId);
});

test('the same text is sealed differently each time, and never shows', () => {
  const many = Array.from({ length: 1000 }, () => sealed(cipher, 'a secret that nobody sees'));
  const nonces = new Set(many.map(({ bytes }) => bytes.subarray(0, 12).toString('hex')));
  expect(nonces.size).toBe(1000);
  const all = Buffer.concat(many.map(({ bytes }) => bytes)).toString('latin1');
  expect(all).not.toContain('secret');
});

test('each bit that is changed, and each byte that is missing, is refused as tampered', () => {
  const { keyId, bytes } = sealed(cipher, 'a key');
  const refused = expect.objectContaining({ code: 'secret_tampered' });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => cipher.open({ keyId, bytes: changed }, place), `bit ${bit}`).toThrow(refused);
  }
  for (let length = 0; length < bytes.length; length += 1) {
    const short = { keyId, bytes: bytes.subarray(0, length) };
    expect(() => cipher.open(short, place), `${length} bytes`).toThrow(refused);
  }
});

test('at the place of another listener, or in another project, it is refused as tampered', () => {
  const one = sealed(cipher, 'a key');
  const refused = expect.objectContaining({ code: 'secret_tampered' });
  expect(() => cipher.open(one, { ...place, project: 2 })).toThrow(refused);
  const other = { ...place, listenerId: place.listenerId.replace(/1$/, '2') };
  expect(() => cipher.open(one, other)).toThrow(refused);
  // Nor does it pass for what the other key has sealed.
  expect(() => cipher.open({ ...one, keyId: String(cipher.oldId) }, place)).toThrow(refused);
});

test('a key that is not there is named, and nothing else of it is told', () => {
  const strange = sealed(new SecretCipher({ current: keyOf(3), old: null }), 'a key');
  const refused = { code: 'secret_key_missing', message: expect.stringContaining(strange.keyId) };
  expect(() => cipher.open(strange, place)).toThrow(expect.objectContaining(refused));
  const secret = Buffer.alloc(32, 1);
  for (const form of ['hex', 'base64', 'latin1'] as const) {
    expect(inspect(cipher, { showHidden: true, depth: 9 })).not.toContain(secret.toString(form));
    expect(JSON.stringify({ cipher, current })).not.toContain(secret.toString(form));
  }
});

test('without a key nothing is sealed', () => {
  const none = new SecretCipher({ current: null, old: null });
  expect(none.seal('a key', place)).toBeNull();
  const refused = expect.objectContaining({ code: 'secret_key_missing' });
  expect(() => none.open(sealed(cipher, 'a key'), place)).toThrow(refused);
});
