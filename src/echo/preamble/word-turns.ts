/**
 * When clients of TLS are answered what they have said: one in each turn of the loop, and the projects take turns. After one
 * that was dear its project has no other for as long again, so that none has more of the loop than half.
 */
import type { ProjectRef } from '../../core/project.ts';

interface Own {
  readonly waiting: (() => void)[];
  /** On the clock of the turns. */
  restsUntilMs: number;
}

/** A signature with the longest key that is taken costs less. */
const dearMs = 5;

export class WordTurns {
  readonly #monotonicMs: () => number;
  /** Who had a turn last comes last. */
  readonly #projects = new Map<ProjectRef, Own>();
  #isDue = false;
  #rest: NodeJS.Timeout | null = null;

  /** The clock never jumps. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Resolves when it is the project's turn. */
  next(project: ProjectRef): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#projects.get(project);
      if (own !== undefined) own.waiting.push(resolve);
      else this.#projects.set(project, { waiting: [resolve], restsUntilMs: 0 });
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#giveOne);
  }

  readonly #giveOne = (): void => {
    const now = this.#monotonicMs();
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [project, own] of this.#projects) {
      if (own.restsUntilMs > now) {
        if (own.waiting.length > 0) soonestMs = Math.min(soonestMs, own.restsUntilMs);
        continue;
      }
      this.#projects.delete(project);
      const resolve = own.waiting.shift();
      if (resolve === undefined) continue;
      this.#projects.set(project, own);
      resolve();
      // It is used in microtasks, and in a tick that one of these asks for: OpenSSL's part is over behind that.
      queueMicrotask(() => process.nextTick(() => process.nextTick(this.#goOn, own, now)));
      return;
    }
    this.#isDue = false;
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    if (soonestMs === Number.POSITIVE_INFINITY) return;
    this.#rest = setTimeout(() => this.#begin(), soonestMs - now);
  };

  readonly #goOn = (own: Own, beganAtMs: number): void => {
    const now = this.#monotonicMs();
    const spentMs = now - beganAtMs;
    if (spentMs > dearMs) own.restsUntilMs = now + spentMs;
    setImmediate(this.#giveOne);
  };
}
