/**
 * Certificates that cost whoever checks them: RSA keys of 3,072 bits with a public exponent as long, and signatures that no
 * key has made. Only the first one's key is real, as TLS has its owner sign with it. Written as DER by hand (RFC 5280, 4.1;
 * X.690, 8): no tool makes such.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Pair } from './tls-certificates.ts';

const rsaBytes = 3072 / 8;
const [integer, bitString, nothing, oid, utf8, utcTime] = [2, 3, 5, 6, 12, 23];
const [sequence, set] = [0x30, 0x31];

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

const hex = (text: string) => Buffer.from(text, 'hex');
const rsa = der(sequence, der(oid, hex('2a864886f70d010101')), der(nothing));
const sha256WithRsa = der(sequence, der(oid, hex('2a864886f70d01010b')), der(nothing));
const commonName = der(oid, hex('550403'));

const nameOf = (n: number) =>
  der(sequence, der(set, der(sequence, commonName, der(utf8, Buffer.from(`junk ${n}`)))));

/** Odd, and with so many bits of its first byte. */
function randomNumber(firstByte: number): Buffer {
  const bytes = randomBytes(rsaBytes);
  bytes[0] = firstByte;
  bytes[rsaBytes - 1] = 1;
  return bytes;
}

/** Its modulus has all 3,072 bits, its exponent one less. */
function dearKey(): Buffer {
  const modulus = der(integer, Buffer.from([0]), randomNumber(0xff));
  const exponent = der(integer, randomNumber(0x7f));
  return der(sequence, rsa, der(bitString, Buffer.from([0]), der(sequence, modulus, exponent)));
}

function certificate(n: number, publicKey: Uint8Array): string {
  const validity = [der(utcTime, Buffer.from('200101000000Z'))];
  validity.push(der(utcTime, Buffer.from('490101000000Z')));
  const signed = der(
    sequence,
    der(0xa0, der(integer, Buffer.from([2]))),
    der(integer, Buffer.from([n + 1])),
    sha256WithRsa,
    nameOf(n + 1),
    der(sequence, ...validity),
    nameOf(n),
    publicKey,
  );
  const signature = der(bitString, Buffer.from([0]), randomNumber(0x7f));
  const base64 = der(sequence, signed, sha256WithRsa, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Each is the issuer of the one before, 1.2 kB each. */
export function junkChain(length: number): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = certificate(0, publicKey.export({ format: 'der', type: 'spki' }));
  const others = Array.from({ length }, (_, n) => certificate(n + 1, dearKey()));
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' });
  return { cert: [leaf, ...others].join(''), key: String(key) };
}
