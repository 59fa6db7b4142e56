/**
 * What recvmmsg(2) and sendmmsg(2) read and write: 32 datagrams of any length, which stay where they are in memory, and
 * for each call as many of
 *
 *   mmsghdr ─┬─ msghdr ─┬─ name    sockaddr_in of the remote end
 *            │          └─ iovec ── payload
 *            └─ length
 *
 * All is read and written as words of 32 bits, so that no datagram makes a number of 64.
 */
import type { Libc } from './libc.ts';

/** Of a turn of the loop: libuv itself reads as many. */
export const slotsMax = 32;

const payloadMax = 65_536;
/** Not whole pages: else the starts of all would have to share the same few places of the processor's caches. */
const strideBytes = payloadMax + 4096 + 64;
const nameBytes = 16;
const nameWords = nameBytes / 4;
const headerWords = 16;
const vectorWords = 4;
/** In a mmsghdr. */
const nameLengthAt = 2;
const vectorAt = 4;
const vectorCountAt = 6;
const lengthAt = 14;
/** Remote ends whose text is kept. */
const remotesMax = 4096;

/** Where a datagram came from. */
export interface BatchRemote {
  readonly address: string;
  readonly port: number;
  /** The same text for the same address. */
  readonly key: string;
}

interface KnownRemote extends BatchRemote {
  readonly words: readonly [number, number];
}

export class BatchMemory {
  /** The mmsghdrs of one call. */
  readonly received: Buffer;
  readonly #answers: Buffer;
  readonly #receivedWords = new Uint32Array(slotsMax * headerWords);
  readonly #answerWords = new Uint32Array(slotsMax * headerWords);
  readonly #answerVectors = new Uint32Array(slotsMax * vectorWords);
  readonly #receivedVectors = new Uint32Array(slotsMax * vectorWords);
  readonly #names = new Uint32Array(slotsMax * nameWords);
  readonly #payloads = Buffer.allocUnsafeSlow(slotsMax * strideBytes);
  /** What was read into a slot last: often the next is as long. */
  readonly #views: Buffer[] = [];
  readonly #remotes = new Map<number, KnownRemote>();

  constructor({ addressOf }: Libc) {
    this.received = Buffer.from(this.#receivedWords.buffer);
    this.#answers = Buffer.from(this.#answerWords.buffer);
    const at = (words: Uint32Array) => addressOf(Buffer.from(words.buffer));
    const [names, receivedVectors, answerVectors] = [
      at(this.#names),
      at(this.#receivedVectors),
      at(this.#answerVectors),
    ];
    const payloads = addressOf(this.#payloads);
    for (let slot = 0; slot < slotsMax; slot++) {
      const header = slot * headerWords;
      const vector = slot * vectorWords;
      setPointer(this.#receivedWords, header, names + BigInt(slot * nameBytes));
      for (const [words, vectors] of [
        [this.#receivedWords, receivedVectors],
        [this.#answerWords, answerVectors],
      ] as const) {
        words[header + nameLengthAt] = nameBytes;
        setPointer(words, header + vectorAt, vectors + BigInt(vector * 4));
        words[header + vectorCountAt] = 1;
      }
      setPointer(this.#receivedVectors, vector, payloads + BigInt(slot * strideBytes));
      this.#receivedVectors[vector + 2] = payloadMax;
      this.#views.push(this.payloadOf(slot, 0));
    }
  }

  /** For the next batch. */
  prepare(): void {
    for (let slot = 0; slot < slotsMax; slot++) {
      this.#receivedWords[slot * headerWords + nameLengthAt] = nameBytes;
    }
  }

  payloadOf(slot: number, length = this.#receivedWords[slot * headerWords + lengthAt] ?? 0) {
    const known = this.#views[slot];
    if (known?.length === length) return known;
    const start = slot * strideBytes;
    const view = this.#payloads.subarray(start, start + length);
    this.#views[slot] = view;
    return view;
  }

  remoteOf(slot: number): BatchRemote {
    // Of a sockaddr_in: family and port, then the address (ip(7)).
    const one = this.#names[slot * nameWords] ?? 0;
    const other = this.#names[slot * nameWords + 1] ?? 0;
    // Whoever shares a number with others has its text made anew.
    const number = (Math.imul(one, 0x9e37_79b1) ^ Math.imul(other, 0x85eb_ca6b)) >>> 2;
    const known = this.#remotes.get(number);
    if (known !== undefined && known.words[0] === one && known.words[1] === other) return known;
    if (this.#remotes.size >= remotesMax) this.#remotes.clear();
    const remote = newRemote(one, other);
    this.#remotes.set(number, remote);
    return remote;
  }

  /** The nth answer is what lies in the slot, to where it came from. */
  answer(n: number, slot: number, length: number): void {
    const [header, vector] = [n * headerWords, n * vectorWords];
    copyPointer(this.#receivedWords, slot * headerWords, this.#answerWords, header);
    copyPointer(this.#receivedVectors, slot * vectorWords, this.#answerVectors, vector);
    this.#answerVectors[vector + 2] = length;
  }

  answersFrom(n: number): Buffer {
    return n === 0 ? this.#answers : this.#answers.subarray(n * headerWords * 4);
  }
}

function setPointer(words: Uint32Array, at: number, pointer: bigint): void {
  words[at] = Number(pointer & 0xffff_ffffn);
  words[at + 1] = Number(pointer >> 32n);
}

function copyPointer(from: Uint32Array, at: number, to: Uint32Array, place: number): void {
  to[place] = from[at] ?? 0;
  to[place + 1] = from[at + 1] ?? 0;
}

function newRemote(one: number, other: number): KnownRemote {
  const address = [other & 255, (other >>> 8) & 255, (other >>> 16) & 255, other >>> 24].join('.');
  const port = ((one >>> 16) & 255) * 256 + (one >>> 24);
  return { address, port, key: `${address}|${port}`, words: [one, other] };
}
