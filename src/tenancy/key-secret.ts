/**
 * The secret of a key: `kodama_`, 27 base62 characters of 160 random bits, and 6 of the CRC-32 of these 27. Secret
 * scanners find it by its form, and one that was mistyped is told from one that is nobody's without looking.
 */
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const prefix = 'kodama_';
const secretBytes = 20;
const randomChars = 27;
const checkChars = 6;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const pattern = new RegExp(`^${prefix}([0-9A-Za-z]{${randomChars}})([0-9A-Za-z]{${checkChars}})$`);

export function makeSecret(): string {
  const random = base62(BigInt(`0x${randomBytes(secretBytes).toString('hex')}`), randomChars);
  return `${prefix}${random}${checkOf(random)}`;
}

/** Whether it has the form of one, its check among it. */
export function isSecret(text: string): boolean {
  const [, random = '', check] = pattern.exec(text) ?? [];
  return check !== undefined && checkOf(random) === check;
}

/** Under which it is kept. It has 160 random bits, so that no salt and no slow hash would add anything. */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** What people tell it by: its first 12 and last 4 characters. */
export function hintOf(secret: string): string {
  return `${secret.slice(0, 12)}…${secret.slice(-4)}`;
}

function checkOf(random: string): string {
  return base62(BigInt(crc32(random)), checkChars);
}

function base62(number: bigint, length: number): string {
  let text = '';
  for (let rest = number; rest > 0n; rest /= 62n) text = `${digits[Number(rest % 62n)]}${text}`;
  return text.padStart(length, '0');
}
