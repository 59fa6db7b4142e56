/**
 * Ids of connections: UUIDv7 (RFC 9562, 5.7) whose order is the order of accept in this worker, as long as its clock goes
 * on; after one that was set back they follow that, as after a restart. The random bytes are drawn for many at a time.
 */
import { randomFillSync } from 'node:crypto';
import { idSlack, type Micros } from '../core/time.ts';

const bytesPerId = 16;
const drawnAtOnce = 256;
/** A counter starts low in its 31 bits, so that it does not run out within its millisecond. */
const firstSeqMax = 2 ** 30;
/** A time that falls by no more is passed over: far enough from what is taken for the same time. */
const fallMaxMs = idSlack / 2 / 1000;

export class ConnectionIds {
  readonly #drawn = Buffer.allocUnsafeSlow(bytesPerId * drawnAtOnce);
  /** The random bytes of each id to come: views that are made once. */
  readonly #randoms = Array.from({ length: drawnAtOnce }, (_, place) =>
    this.#drawn.subarray(place * bytesPerId, (place + 1) * bytesPerId),
  );
  #place = drawnAtOnce;
  #millis = 0;
  #seq = 0;

  next(acceptedAt: Micros): string {
    const random = this.#draw();
    const millis = Math.floor(acceptedAt / 1000);
    if (millis > this.#millis || millis < this.#millis - fallMaxMs) {
      this.#millis = millis;
      this.#seq = random.readUInt32BE(0) % firstSeqMax;
    } else {
      this.#seq += 1;
    }
    return uuidOf(random, this.#millis, this.#seq);
  }

  #draw(): Buffer {
    if (this.#place === drawnAtOnce) {
      randomFillSync(this.#drawn);
      this.#place = 0;
    }
    const random = this.#randoms[this.#place];
    this.#place += 1;
    if (random === undefined) throw new TypeError('a place beyond what was drawn');
    return random;
  }
}

/** Over the random bytes of an id go its time, version, variant and, in all that is not random then, its seq of 31 bits. */
function uuidOf(bytes: Buffer, millis: number, seq: number): string {
  bytes.writeUIntBE(millis, 0, 6);
  bytes.writeUInt16BE(0x7000 | (seq >>> 19), 6);
  bytes.writeUInt16BE(0x8000 | ((seq >>> 5) & 0x3fff), 8);
  bytes.writeUInt8(((seq & 0x1f) << 3) | (bytes.readUInt8(10) & 0x7), 10);
  const hex = bytes.toString('hex');
  const ends = [8, 12, 16, 20, 32];
  return ends.map((end, at) => hex.slice(ends[at - 1] ?? 0, end)).join('-');
}
