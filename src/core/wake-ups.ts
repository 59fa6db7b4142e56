/** Sleepers that a change wakes all at once. A sleeper that leaves leaves nothing behind. */
export class WakeUps {
  readonly #sleepers = new Set<() => void>();

  wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Resolves at a wake-up, after the time, or when the signal aborts, whichever is first. */
  sleep(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake, { once: true });
      this.#sleepers.add(wake);
    });
  }
}
