/**
 * Ids of connections: UUIDv7 (RFC 9562, 5.7) whose order is the order of accept in this worker, with the random bytes
 * drawn for many at a time.
 */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import type { Micros } from '../core/time.ts';

const bytesPerId = 16;
const drawnAtOnce = 256;
/** A counter starts low in its 31 bits, so that it does not run out within its millisecond. */
const firstSeqMax = 2 ** 30;

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
    if (millis > this.#millis) {
      this.#millis = millis;
      this.#seq = random.readUInt32BE(0) % firstSeqMax;
    } else {
      this.#seq += 1;
    }
    return v7({ msecs: this.#millis, seq: this.#seq, random });
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
