/** How many sockets a worker may hold: as many as it was told, and no more than the system lets it open. */
import { readFileSync } from 'node:fs';

/** File descriptors that Node itself, the channel and the log need. */
const reservedFds = 128;

export class SocketBudget {
  readonly max: number;
  readonly #onExhausted: (max: number) => void;
  #inUse = 0;
  #isExhausted = false;

  /** `onExhausted` is told once each time that it runs out. */
  constructor(wanted: number, onExhausted: (max: number) => void) {
    this.max = Math.min(wanted, openFilesMax() - reservedFds);
    this.#onExhausted = onExhausted;
  }

  /** False when there is none left; then none is taken. */
  take(): boolean {
    if (this.#inUse >= this.max) {
      if (!this.#isExhausted) this.#onExhausted(this.max);
      this.#isExhausted = true;
      return false;
    }
    this.#inUse += 1;
    return true;
  }

  release(): void {
    this.#inUse -= 1;
    // A little room before it may be told again.
    if (this.#inUse < this.max * 0.9) this.#isExhausted = false;
  }
}

/** RLIMIT_NOFILE of this process (getrlimit(2)); Node has raised it as far as it may. */
function openFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.MAX_SAFE_INTEGER);
  } catch {
    // Not Linux: then the system refuses by itself.
    return Number.MAX_SAFE_INTEGER;
  }
}
