/**
 * Bytes in the wire format of protobuf (https://protobuf.dev/programming-guides/encoding/), written in one pass
 * into one buffer that is used again and grows to what it has to hold.
 */
const bytesMin = 65_536;
/** What has grown beyond is given back. */
const bytesMax = 16 * bytesMin;
/** Above this a call of Buffer is faster than a loop. */
const loopCharsMax = 48;

export class ByteSink {
  #bytes = Buffer.allocUnsafeSlow(bytesMin);
  /** Where the next byte goes. */
  at = 0;

  /** Takes out all that was written. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.at);
    this.#bytes.copy(taken, 0, 0, this.at);
    this.at = 0;
    if (this.#bytes.length > bytesMax) this.#bytes = Buffer.allocUnsafeSlow(bytesMin);
    return taken;
  }

  /** Makes sure that so many more bytes fit. */
  reserve(count: number): void {
    if (this.at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.at + count));
    grown.set(this.#bytes.subarray(0, this.at));
    this.#bytes = grown;
  }

  /** Copies all that was written from a place on. */
  copyTo(target: Buffer, at: number, from: number): void {
    this.#bytes.copy(target, at, from, this.at);
  }

  append(bytes: Buffer, from: number, to: number): void {
    this.reserve(to - from);
    bytes.copy(this.#bytes, this.at, from, to);
    this.at += to - from;
  }

  /** One byte at a place that was left free. */
  set(value: number, at: number): void {
    this.#bytes[at] = value;
  }

  byte(value: number): void {
    this.#bytes[this.at++] = value;
  }

  /** Four bytes at a place that was left free. */
  uint32BE(value: number, at: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** A whole number up to 2^53; a negative one takes ten bytes, as int32 and int64 have it. */
  varint(value: number): void {
    if (value < 0) {
      this.#negative(value);
      return;
    }
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  double(value: number): void {
    this.at = this.#bytes.writeDoubleLE(value, this.at);
  }

  string(text: string): void {
    this.reserve(text.length * 3 + 5);
    if (text.length <= loopCharsMax && this.#ascii(text)) return;
    const start = this.begin();
    this.at = start + this.#bytes.write(text, start, 'utf8');
    this.end(start);
  }

  /** Its length, which is one byte, and its characters; nothing where one of them is not ASCII. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    let at = this.at;
    bytes[at++] = text.length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    this.at = at;
    return true;
  }

  /** Leaves room for a length of one byte; `end` makes more where it takes more. */
  begin(): number {
    this.at += 1;
    return this.at;
  }

  end(start: number): void {
    const length = this.at - start;
    if (length <= 0x7f) {
      this.#bytes[start - 1] = length;
      return;
    }
    let extra = 0;
    for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 128)) extra += 1;
    this.reserve(extra);
    this.#bytes.copyWithin(start + extra, start, this.at);
    this.at = start - 1;
    this.varint(length);
    this.at = start + extra + length;
  }
}
