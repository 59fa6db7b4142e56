/** Whether several projects are at it: what one of them may have at once depends on that. */
export class Neighbours<Project> {
  readonly #besideMs: number;
  readonly #monotonicMs: () => number;
  /** The two that were seen last, and when. */
  #last: Seen<Project> | null = null;
  #before: Seen<Project> | null = null;

  /** A project is at it for so long after it was seen. The clock never jumps. */
  constructor(besideMs: number, monotonicMs = () => performance.now()) {
    this.#besideMs = besideMs;
    this.#monotonicMs = monotonicMs;
  }

  saw(project: Project): void {
    if (this.#last !== null && this.#last.project !== project) this.#before = this.#last;
    this.#last = { project, atMs: this.#monotonicMs() };
  }

  get areSeveral(): boolean {
    return this.#before !== null && this.#monotonicMs() - this.#before.atMs <= this.#besideMs;
  }
}

interface Seen<Project> {
  readonly project: Project;
  readonly atMs: number;
}
