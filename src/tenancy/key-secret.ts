/**
 * The secret of a key, or of a join token: what it is, 27 base62 characters of 160 random bits, and 6 of the CRC-32 of
 * these 27. Secret scanners find it by its form, and one that was mistyped is told from one that is nobody's without
 * looking.
 */
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What a secret is begins it. */
export type SecretPrefix = 'kodama_' | 'kodamajoin_';

const secretBytes = 20;
const randomChars = 27;
const checkChars = 6;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const pattern = new RegExp(`^([a-z]+_)([0-9A-Za-z]{${randomChars}})([0-9A-Za-z]{${checkChars}})$`);
/** What a hint shows of the random characters, at either end. */
const hintChars = { first: 5, last: 4 };

export function makeSecret(prefix: SecretPrefix = 'kodama_'): string {
  const random = base62(BigInt(`0x${randomBytes(secretBytes).toString('hex')}`), randomChars);
  return `${prefix}${random}${checkOf(random)}`;
}

/** Whether it has the form of one, its check among it. */
export function isSecret(text: string, prefix: SecretPrefix = 'kodama_'): boolean {
  const [, begin, random = '', check] = pattern.exec(text) ?? [];
  return begin === prefix && checkOf(random) === check;
}

/** Under which it is kept. It has 160 random bits, so that no salt and no slow hash would add anything. */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** What people tell it by: what it is, and its first 5 and last 4 characters. */
export function hintOf(secret: string): string {
  const { first, last } = hintChars;
  return `${secret.slice(0, secret.indexOf('_') + 1 + first)}…${secret.slice(-last)}`;
}

function checkOf(random: string): string {
  return base62(BigInt(crc32(random)), checkChars);
}

function base62(number: bigint, length: number): string {
  let text = '';
  for (let rest = number; rest > 0n; rest /= 62n) text = `${digits[Number(rest % 62n)]}${text}`;
  return text.padStart(length, '0');
}
