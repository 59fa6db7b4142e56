/**
 * Going round the connections of a listener, after a change of it or to end them: a piece at a time, each when it is its
 * project's turn, so that all others are served meanwhile, however many connections it has.
 */
import type { ProjectRef } from '../core/project.ts';
import type { Turns } from '../core/turns.ts';

/** Visits in a piece: whatever is done with them takes about a millisecond at most. */
export const roundPieceMax = 32;

export class ConnectionRounds {
  readonly #turns: Turns<ProjectRef>;
  readonly #project: ProjectRef;
  #begun = 0;
  #isUnderWay = false;
  #isLast = false;
  #newest = Promise.resolve();

  constructor(turns: Turns<ProjectRef>, project: ProjectRef) {
    this.#turns = turns;
    this.#project = project;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /**
   * Visits all, in order, and those that come meanwhile; the first piece at once. A round that is under way ends there.
   * Resolves when this one is through, or the one that has taken its place.
   */
  begin<Visited>(all: Iterable<Visited>, visit: (one: Visited) => void): Promise<void> {
    if (this.#isLast) return this.#newest;
    this.#begun += 1;
    this.#isUnderWay = true;
    this.#newest = this.#go(this.#begun, all, visit);
    return this.#newest;
  }

  /** As begin: none begins behind it. */
  beginLast<Visited>(all: Iterable<Visited>, visit: (one: Visited) => void): Promise<void> {
    const through = this.begin(all, visit);
    this.#isLast = true;
    return through;
  }

  async #go<Visited>(
    number: number,
    all: Iterable<Visited>,
    visit: (one: Visited) => void,
  ): Promise<void> {
    const steps = all[Symbol.iterator]();
    for (let left = roundPieceMax; ; left -= 1) {
      if (left === 0) {
        await this.#turns.next(this.#project);
        if (number !== this.#begun) return this.#newest;
        left = roundPieceMax;
      }
      const step = steps.next();
      if (step.done === true) break;
      visit(step.value);
    }
    this.#isUnderWay = false;
  }
}
