/** Connections that are closed, and not yet committed as such; and who waits until they are. */
export class AwaitedCloses {
  readonly #committing = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  begun(connectionId: string): void {
    this.#committing.add(connectionId);
  }

  isUnderWay(connectionId: string): boolean {
    return this.#committing.has(connectionId);
  }

  committed(connectionId: string): void {
    this.#committing.delete(connectionId);
    const waiting = this.#waiting.get(connectionId);
    this.#waiting.delete(connectionId);
    for (const resolve of waiting ?? []) resolve();
  }

  /** Resolves when it is committed, or the signal aborts. */
  wait(connectionId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(connectionId) ?? new Set();
      const done = () => {
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(connectionId);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      this.#waiting.set(connectionId, waiting);
      if (signal.aborted) done();
      else signal.addEventListener('abort', done, { once: true });
    });
  }
}
