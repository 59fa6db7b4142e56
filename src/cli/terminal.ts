/** Where the command prints: data on stdout, everything else on stderr. */

import { plainText } from '../plain-text.ts';
import { styled } from './tables.ts';

/** Nobody reads what is printed any more, as behind `| head`: there is nothing left to do. */
export class OutputGone extends Error {
  override readonly name = 'OutputGone';
}

export class Terminal {
  readonly #stdout = process.stdout;
  readonly #stderr = process.stderr;
  readonly #isColorRefused: boolean;
  #isGone = false;

  constructor({ isColorRefused }: { readonly isColorRefused: boolean }) {
    this.#isColorRefused = isColorRefused;
    // Each write learns of its own failure; without listeners an error would end the process.
    this.#stdout.on('error', () => undefined);
    this.#stderr.on('error', () => undefined);
  }

  /** Whether someone watches what goes to stdout. */
  get isWatched(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Whether someone may be asked. */
  get isInteractive(): boolean {
    return process.stdin.isTTY === true && this.#stderr.isTTY === true;
  }

  get isColored(): boolean {
    return this.isWatched && !this.#isColorRefused && this.#stdout.hasColors();
  }

  /** What fits on the screen; undefined where there is none. */
  get room(): { readonly rows: number; readonly columns: number } | undefined {
    const { rows, columns } = this.#stdout;
    return this.isWatched && rows > 0 && columns > 0 ? { rows, columns } : undefined;
  }

  /** Data, as it is. Resolves when it is taken. @throws OutputGone */
  async print(text: string): Promise<void> {
    if (text === '') return;
    if (this.#isGone) throw new OutputGone();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stdout.write(text, (error) => {
      if (!error) resolve();
      else {
        this.#isGone = true;
        reject(new OutputGone(undefined, { cause: error }));
      }
    });
    await promise;
  }

  async printJson(value: unknown): Promise<void> {
    await this.print(`${JSON.stringify(value)}\n`);
  }

  /** A line for people, of which programs need nothing. */
  say(text: string): void {
    this.#stderr.write(`${plainText(text)}\n`);
  }

  /** Lines that are made up already. */
  sayText(text: string): void {
    this.#stderr.write(text);
  }

  /** What else might be of use, for whoever sits there. */
  hint(text: string): void {
    if (this.#stderr.isTTY !== true) return;
    const isColored = !this.#isColorRefused && this.#stderr.hasColors();
    this.#stderr.write(`${isColored ? styled(text, 'dim') : text}\n`);
  }
}
