/** A bound on datagrams that wait: for the listener to be served, or for a commit. */

/** What one takes beside its payload, so that empty ones have a bound too. */
const overheadBytes = 256;

export class HeldBytes {
  readonly #max: number;
  #bytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False when there is no room: it must be dropped. */
  take({ length }: Buffer): boolean {
    if (this.#bytes + length + overheadBytes > this.#max) return false;
    this.#bytes += length + overheadBytes;
    return true;
  }

  give({ length }: Buffer): void {
    this.#bytes -= length + overheadBytes;
  }
}
