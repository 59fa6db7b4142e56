/**
 * When the page is drawn: what comes after a quiet while is drawn in the next frame; what comes then is gathered for a
 * moment, and for a multiple of what the last drawing cost, but for a second at most. So a flood costs a share
 * of the time, and not all of it.
 */
export interface DrawPaceOptions {
  readonly draw: () => void;
  readonly now: () => number;
  /** Before the next frame. */
  readonly onFrame: (callback: () => void) => void;
  /** Once the frame that was begun is painted. */
  readonly afterFrame: (callback: () => void) => void;
  readonly onTimer: (callback: () => void, delayMs: number) => void;
}

/** A drawing may take this share of the time. */
const costShare = 1 / 10;
/** What a drawing costs elsewhere, such as where it is painted, is not seen here; nobody reads ten of them a second. */
const waitMsMin = 400;
const waitMsMax = 1000;

export class DrawPace {
  readonly #options: DrawPaceOptions;
  #isAsked = false;
  #isWaiting = false;
  #restMs = 0;
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DrawPaceOptions) {
    this.#options = options;
  }

  /** Something has changed: it is drawn as soon as the pace allows. */
  ask(): void {
    this.#isAsked = true;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { now, onFrame, onTimer } = this.#options;
    const leftMs = this.#endedAt + this.#restMs - now();
    if (leftMs > 0) onTimer(() => onFrame(() => this.#draw()), leftMs);
    else onFrame(() => this.#draw());
  }

  #draw(): void {
    const { draw, now, afterFrame } = this.#options;
    const startedAt = now();
    this.#isAsked = false;
    draw();
    afterFrame(() => {
      this.#endedAt = now();
      const costMs = this.#endedAt - startedAt;
      this.#restMs = Math.min(Math.max(costMs / costShare - costMs, waitMsMin), waitMsMax);
      this.#isWaiting = false;
      if (this.#isAsked) this.ask();
    });
  }
}

/** The pace of a browser. A message that is posted before a frame is handled after it. */
export function browserPace(draw: () => void): DrawPace {
  const { port1, port2 } = new MessageChannel();
  let painted: (() => void) | null = null;
  port1.onmessage = () => painted?.();
  return new DrawPace({
    draw,
    now: () => performance.now(),
    onFrame: (callback) => requestAnimationFrame(callback),
    afterFrame: (callback) => {
      painted = callback;
      port2.postMessage(null);
    },
    onTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  });
}
