/** A connection that is never silent: where it ends as well, it is not silence that ends the others. */
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientWord, newWord } from './ladder.ts';
import { answerMs, type Probe, within } from './probe.ts';

export interface Death {
  readonly how: ClientWord;
  readonly afterMs: number;
}

const everyMsMax = 1000;

export class BusyControl implements Disposable {
  readonly #probe: Probe;
  readonly #stop = new AbortController();
  readonly #died = new AbortController();
  #death: Death | null = null;

  /** It speaks twice in the shortest silence, or more often. */
  constructor(probe: Probe, shortestMs: number) {
    this.#probe = probe;
    const everyMs = Math.min(everyMsMax, shortestMs / 2);
    // It is stopped when it is disposed of, and fails in no other way.
    this.#talk(everyMs).catch(() => undefined);
  }

  async #talk(everyMs: number): Promise<void> {
    const { signal } = this.#stop;
    const startedAt = performance.now();
    for (;;) {
      const answer = Promise.race([this.#probe.ended, this.#probe.ask(newWord())]);
      const heard = await within(answer, answerMs, signal);
      if (heard !== 'echo') {
        this.#death = { how: heard ?? 'silent', afterMs: performance.now() - startedAt };
        this.#died.abort();
        return;
      }
      await delay(everyMs, undefined, { signal });
    }
  }

  /** Null while it lives. */
  get death(): Death | null {
    return this.#death;
  }

  /** Aborts with its death. */
  get died(): AbortSignal {
    return this.#died.signal;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
