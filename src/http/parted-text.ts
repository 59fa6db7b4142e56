import { Readable } from 'node:stream';

/** Of a turn: fewer cost more turns, and a write costs about as much as what it writes. */
const turnChars = 65_536;

/**
 * A text that is sent in parts, each when it is its turn: to write half a megabyte in one go takes the loop for as long as
 * some twenty calls. It reads nothing ahead, so that a part is written in its turn, and each is let go once it is written.
 */
export class PartedText extends Readable {
  readonly bytes: number;
  readonly #parts: string[];
  readonly #turn: () => Promise<void>;

  constructor(parts: readonly string[], turn: () => Promise<void>) {
    // With objects texts stay texts: bytes of them would lie outside of V8's heap.
    super({ objectMode: true, highWaterMark: 1 });
    this.#parts = [...parts];
    this.#turn = turn;
    this.bytes = parts.reduce((bytes, part) => bytes + Buffer.byteLength(part), 0);
  }

  override _read(): void {
    void this.#turn().then(() => {
      let chars = 0;
      do {
        const part = this.#parts.shift() ?? null;
        this.push(part);
        if (part === null) return;
        chars += part.length;
      } while (chars < turnChars);
    });
  }
}
