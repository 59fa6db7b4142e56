/** A connection that we end waits for its client: as long as that takes what was written, and then for its FIN. */
import type { StreamTransport } from './stream-transport.ts';

export class Linger {
  readonly #transport: StreamTransport;
  readonly #lingerMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(transport: StreamTransport, lingerMs: number) {
    this.#transport = transport;
    this.#lingerMs = lingerMs;
  }

  /** At its end the transport is closed in this way. Called again, it begins anew. */
  begin(mode: 'fin' | 'rst'): void {
    const taken = this.#transport.bytesWritten;
    this.stop();
    this.#timer = setTimeout(() => {
      if (this.#transport.bytesWritten > taken) this.begin(mode);
      else if (mode === 'rst') this.#transport.reset();
      else this.#transport.destroy();
    }, this.#lingerMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
