import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { digestOf, hintOf, isSecret, makeSecret } from './key-secret.ts';

test('a secret has its form and its check', () => {
  const secrets = Array.from({ length: 500 }, makeSecret);
  for (const secret of secrets) {
    expect(secret).toMatch(/^kodama_[0-9A-Za-z]{33}$/);
    expect(isSecret(secret)).toBe(true);
  }
  expect(new Set(secrets)).toHaveLength(secrets.length);
});

test('a secret with one other character is none', () => {
  const secret = makeSecret();
  for (let at = 0; at < secret.length; at += 1) {
    const other = secret[at] === 'a' ? 'b' : 'a';
    expect(isSecret(`${secret.slice(0, at)}${other}${secret.slice(at + 1)}`)).toBe(false);
  }
  for (const text of ['', 'kodama_', `${secret}0`, secret.slice(1), ` ${secret}`, `${secret}\n`]) {
    expect(isSecret(text), text).toBe(false);
  }
});

test('the check is the CRC-32 of the 27 characters, in base62', () => {
  const digits = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
  const secret = makeSecret();
  const check = [...secret.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
  expect(check).toBe(crc32(secret.slice('kodama_'.length, -6)));
});

test('a hint shows the ends, a digest shows nothing', () => {
  const secret = makeSecret();
  expect(hintOf(secret)).toBe(`${secret.slice(0, 12)}…${secret.slice(-4)}`);
  expect(digestOf(secret)).toHaveLength(32);
});
