/** How long the connections of a listener that is closed may still end by themselves. */
export class Drain {
  #endsAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  /** In so many milliseconds at the latest: where that is no sooner than what was said before, nothing changes. */
  endWithin(drainMs: number, onOver: () => void): void {
    const endsAt = performance.now() + drainMs;
    if (endsAt >= this.#endsAt) return;
    this.#endsAt = endsAt;
    this.stop();
    if (drainMs === 0) onOver();
    else this.#timer = setTimeout(onOver, drainMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
