/**
 * Places of each project for what all of them share: a project has at most so many at once, and whoever wants one more
 * waits in that project's line. Nobody waits behind another project, and nobody overtakes.
 */

export interface LineLimits {
  /** Places of one project, as of now. */
  readonly atOnceMax: () => number;
  /** Null: as long as it takes. */
  readonly waitMs: number | null;
}

interface Line {
  taken: number;
  readonly waiting: Set<() => void>;
}

export class Lines<Project> {
  readonly #limits: LineLimits;
  readonly #tooLate: () => unknown;
  /** Of the projects that have a place just now. */
  readonly #lines = new Map<Project, Line>();

  /** Who has waited too long gets the error. */
  constructor(limits: LineLimits, tooLate: () => unknown = () => undefined) {
    this.#limits = limits;
    this.#tooLate = tooLate;
  }

  /** A place, until it is disposed of. @throws the error of who has waited too long, the reason of the signal */
  async take(project: Project, signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const line = this.#lines.get(project) ?? { taken: 0, waiting: new Set() };
    this.#lines.set(project, line);
    if (line.waiting.size === 0 && line.taken < this.#limits.atOnceMax()) line.taken += 1;
    else {
      const placed = this.#placeIn(line, signal);
      this.#fill(line);
      await placed;
    }
    return { [Symbol.dispose]: () => this.#leave(project, line) };
  }

  #leave(project: Project, line: Line): void {
    line.taken -= 1;
    this.#fill(line);
    if (line.taken === 0) this.#lines.delete(project);
  }

  /** There may be more places by now than when the first of the line came, or fewer. */
  #fill(line: Line): void {
    for (const take of line.waiting) {
      if (line.taken >= this.#limits.atOnceMax()) return;
      line.taken += 1;
      take();
    }
  }

  /** Resolves with a place that was counted by whoever gave it. */
  #placeIn({ waiting }: Line, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', leave);
        waiting.delete(take);
      };
      const take = () => {
        end();
        resolve();
      };
      const leave = () => {
        end();
        reject(signal?.reason);
      };
      const late = () => {
        end();
        reject(this.#tooLate());
      };
      const { waitMs } = this.#limits;
      const timer = waitMs === null ? undefined : setTimeout(late, waitMs);
      signal?.addEventListener('abort', leave, { once: true });
      waiting.add(take);
    });
  }
}
