/** How many bytes are held: by a stage, by all of its connection, by all connections of the worker. */

export class HeldTally {
  readonly #whole: HeldTally | null;
  #bytes = 0;

  /** `whole` is what this is a part of. */
  constructor(whole: HeldTally | null = null) {
    this.#whole = whole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#whole?.add(bytes);
  }
}
