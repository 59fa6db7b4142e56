/** A bound on datagrams that wait: for the listener to be served, for a commit, or for the kernel. */

/** What one takes beside its payload, so that empty ones have a bound too. */
const overheadBytes = 256;

export class HeldBytes {
  readonly #max: number;
  readonly #whole: HeldBytes | null;
  #bytes = 0;

  /** `whole` is what this is a part of, and has a bound of its own. */
  constructor(max: number, whole: HeldBytes | null = null) {
    this.#max = max;
    this.#whole = whole;
  }

  /** False when there is no room: it must be dropped. */
  take({ length }: { readonly length: number }): boolean {
    if (this.#bytes + length + overheadBytes > this.#max) return false;
    if (this.#whole?.take({ length }) === false) return false;
    this.#bytes += length + overheadBytes;
    return true;
  }

  give({ length }: { readonly length: number }): void {
    this.#whole?.give({ length });
    this.#bytes -= length + overheadBytes;
  }
}
