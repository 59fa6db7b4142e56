/**
 * The signals that ask a command to end what it has begun. The first asks, a later one forces: what comes a moment after
 * the first is its echo, since a terminal sends Ctrl-C to every process of the command, and each passes it on.
 */
import { constants } from 'node:os';
import { exitCodes } from './failure.ts';

const echoMs = 500;
const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Interrupt = (typeof names)[number];

export class Interrupts implements Disposable {
  readonly #stop = new AbortController();
  readonly #came = Promise.withResolvers<void>();
  #firstAt: number | null = null;
  #first: Interrupt | null = null;
  /** Told of the first one. */
  onFirst: (signal: Interrupt) => void = () => undefined;
  /** Told of the one that ends it at once; what it does is done by its return. */
  onForced: () => void = () => undefined;

  constructor() {
    for (const name of names) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves with the first one. */
  get came(): Promise<void> {
    return this.#came.promise;
  }

  /** How whatever the first one ends ends; null before that. */
  get exitCode(): number | null {
    return this.#first === null ? null : exitOf(this.#first);
  }

  readonly #onSignal = (signal: Interrupt): void => {
    if (this.#firstAt !== null) {
      if (performance.now() - this.#firstAt <= echoMs) return;
      this.onForced();
      process.exit(exitOf(signal));
    }
    this.#firstAt = performance.now();
    this.#first = signal;
    this.#stop.abort();
    this.#came.resolve();
    this.onFirst(signal);
  };

  [Symbol.dispose](): void {
    for (const name of names) process.off(name, this.#onSignal);
  }
}

function exitOf(signal: Interrupt): number {
  return exitCodes.signal + constants.signals[signal];
}
