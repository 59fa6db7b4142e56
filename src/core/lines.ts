/**
 * Places of each project for what all of them share: a project has at most so many at once, and whoever wants one more
 * waits in that project's line. Nobody waits behind another project.
 */

export interface LineLimits {
  /** Places of one project, as of now. */
  readonly atOnceMax: () => number;
  readonly waitMs: number;
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
  constructor(limits: LineLimits, tooLate: () => unknown) {
    this.#limits = limits;
    this.#tooLate = tooLate;
  }

  /** A place, until it is disposed of. @throws the error of who has waited too long, the reason of the signal */
  async take(project: Project, signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const line = this.#lines.get(project) ?? { taken: 0, waiting: new Set() };
    this.#lines.set(project, line);
    if (line.taken < this.#limits.atOnceMax()) line.taken += 1;
    else await this.#placeIn(line, signal);
    return { [Symbol.dispose]: () => this.#leave(project, line) };
  }

  #leave(project: Project, line: Line): void {
    const [next] = line.waiting;
    // The place goes from hand to hand, so that nobody overtakes, unless there are fewer by now.
    if (next !== undefined && line.taken <= this.#limits.atOnceMax()) next();
    else line.taken -= 1;
    if (line.taken === 0) this.#lines.delete(project);
  }

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
      const timer = setTimeout(() => {
        end();
        reject(this.#tooLate());
      }, this.#limits.waitMs);
      signal?.addEventListener('abort', leave, { once: true });
      waiting.add(take);
    });
  }
}
