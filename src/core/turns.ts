/**
 * Work that waits for nothing could fill turn after turn of the loop, and nobody else would be heard meanwhile. What goes
 * on only when it is its turn is done once in each turn of the loop, and the projects that have some waiting take turns.
 */
export class Turns<Project> {
  readonly #waiting = new Map<Project, (() => void)[]>();

  /** Resolves when it is the project's turn. */
  next(project: Project): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) setImmediate(this.#turn);
      const own = this.#waiting.get(project);
      if (own === undefined) this.#waiting.set(project, [resolve]);
      else own.push(resolve);
    });
  }

  readonly #turn = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [project, own] = next;
    own.shift()?.();
    // Behind those of the others.
    this.#waiting.delete(project);
    if (own.length > 0) this.#waiting.set(project, own);
    if (this.#waiting.size > 0) setImmediate(this.#turn);
  };
}
