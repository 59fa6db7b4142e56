/**
 * One of the process's two outputs, as a sink that never waits and never throws: a reader that is slow or gone, a
 * terminal that is closed and a disk that is full cost lines, never the service. What was lost is counted.
 */

/** What of process.stdout is used: it stays writable after an error, so that each write is a new attempt. */
type Stream = NodeJS.WriteStream & {
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => number };
};

export class Output {
  readonly #stream: Stream;
  readonly #heldBytesMax: number;
  #lost = 0;
  /** Told, once lines are taken again, how many were lost before. */
  onTakenAgain: (lost: number) => void = () => undefined;

  /** `heldBytesMax` bounds what waits for the reader; what comes beyond it is lost. */
  constructor(stream: NodeJS.WriteStream, heldBytesMax: number) {
    this.#stream = stream;
    this.#heldBytesMax = heldBytesMax;
    // Each failed write is counted by its own callback.
    stream.on('error', () => undefined);
    // Node makes terminals block, so one that is held (Ctrl-S, or a reader that sleeps) would hold the process.
    if (stream.isTTY) this.#stream._handle?.setBlocking?.(false);
  }

  write(text: string): void {
    if (this.#stream.writableLength >= this.#heldBytesMax) {
      this.#lost += 1;
      return;
    }
    this.#stream.write(text, (error) => {
      if (error) this.#lost += 1;
      else if (this.#lost > 0 && this.#isEmpty()) this.#tellLost();
    });
  }

  /** All is taken. A stream that has failed holds nothing either, but is not writable. */
  #isEmpty(): boolean {
    return this.#stream.writable && this.#stream.writableLength === 0;
  }

  #tellLost(): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.onTakenAgain(lost);
  }

  /** Resolves when all is written or cannot be, or when the time is over. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#stream.writableLength === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#stream.write('', () => resolve());
    await promise;
    clearTimeout(timer);
  }
}
