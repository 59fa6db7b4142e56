/**
 * One timer on the monotonic clock, so that a step of the system's clock moves no fault. It never rings early, which
 * Node's timers do by a part of a millisecond.
 */

/** Beyond this a timer of Node's fires at once. */
const timeoutMaxMs = 2 ** 31 - 1;

/** Milliseconds on the clock that alarms go by. */
export function monotonicMs(): number {
  return performance.now();
}

export class Alarm {
  readonly #onRing: () => void;
  #timer: NodeJS.Timeout | null = null;
  #due = Number.POSITIVE_INFINITY;

  constructor(onRing: () => void) {
    this.#onRing = onRing;
  }

  /** Rings once, at that time or at the next turn of the loop; what was set before is forgotten. */
  set(due: number): void {
    if (this.#timer !== null && due === this.#due) return;
    this.clear();
    this.#due = due;
    const waitMs = Math.ceil(due - monotonicMs());
    this.#timer = setTimeout(Alarm.#check, Math.min(Math.max(waitMs, 0), timeoutMaxMs), this);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** One function for all: there are many alarms, and most are never set. */
  static readonly #check = (alarm: Alarm): void => {
    alarm.#timer = null;
    if (monotonicMs() < alarm.#due) alarm.set(alarm.#due);
    else alarm.#onRing();
  };
}
