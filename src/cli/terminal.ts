/** Where the command prints: data on stdout, everything else on stderr. */

import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { OutputConfiguration } from 'commander';
import { plainText } from '../plain-text.ts';
import { failed } from './failure.ts';
import { jsonText } from './json-text.ts';
import { styled } from './tables.ts';

/** Nobody reads what is printed any more, as behind `| head`: there is nothing left to do. */
export class OutputGone extends Error {
  override readonly name = 'OutputGone';
}

/** What a write says where its reader has ended. */
const goneCodes = ['EPIPE', 'ECONNRESET'];
/** Of a terminal that it is closed; of a disk that it has failed. */
const terminalGoneCode = 'EIO';

/** A terminal, or what stands in its place: a pipe or a file. */
type Screen = Writable &
  Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'rows' | 'columns' | 'hasColors'>>;

export interface TerminalOptions {
  readonly isColorRefused: boolean;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** That of the process where none is given. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
}

export class Terminal {
  readonly #stdout: Screen;
  readonly #stderr: Screen;
  readonly #stdin: NonNullable<TerminalOptions['stdin']>;
  readonly #isColorRefused: boolean;
  /** What the first write that failed has failed with: all behind it are lost as well. */
  #failure: Error | null = null;
  #taken: Promise<void> = Promise.resolve();

  constructor({ isColorRefused, stdout, stderr, stdin = process.stdin }: TerminalOptions) {
    this.#isColorRefused = isColorRefused;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#stdin = stdin;
    // Each write learns of its own failure; without listeners an error would end the process.
    this.#stdout.on('error', () => undefined);
    this.#stderr.on('error', () => undefined);
  }

  /** Whether someone watches what goes to stdout. */
  get isWatched(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Whether someone may be asked; not whoever has typed a file to its end. */
  get isInteractive(): boolean {
    const { isTTY, readableEnded } = this.#stdin;
    return this.#stderr.isTTY === true && isTTY === true && !readableEnded;
  }

  get isColored(): boolean {
    return this.isWatched && !this.#isColorRefused && this.#stdout.hasColors?.() === true;
  }

  /** What fits on the screen; undefined where there is none. */
  get room(): { readonly rows: number; readonly columns: number } | undefined {
    const { rows = 0, columns = 0 } = this.#stdout;
    return this.isWatched && rows > 0 && columns > 0 ? { rows, columns } : undefined;
  }

  /** What the parser of the command line says: help, or what is wrong. */
  get asItComes(): OutputConfiguration {
    return {
      writeOut: (text) => {
        this.#taken = this.print(text);
        this.#taken.catch(() => undefined);
      },
      writeErr: (text) => this.#stderr.write(text),
    };
  }

  /** Resolves when what came from the parser is taken. @throws as `print` */
  taken(): Promise<void> {
    return this.#taken;
  }

  /** Data, as it is. Resolves when it is taken. @throws OutputGone, and CommandFailure such as of a disk that is full */
  async print(text: string): Promise<void> {
    if (text === '') return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stdout.write(text, (error) => {
      if (error) this.#failure ??= failureOf(error, this.isWatched);
      if (this.#failure === null) resolve();
      else reject(this.#failure);
    });
    await promise;
  }

  async printJson(value: unknown): Promise<void> {
    await this.print(`${jsonText(value)}\n`);
  }

  /** A line that someone types; empty where the input ends instead, as by Ctrl-D. @throws AbortError by Ctrl-C */
  async ask(question: string): Promise<string> {
    const ended = new AbortController();
    let isInterrupted = false;
    using lines = createInterface({ input: this.#stdin, output: this.#stderr });
    lines.once('SIGINT', () => {
      isInterrupted = true;
      lines.close();
    });
    // Without it a question whose input ends is never answered.
    lines.once('close', () => ended.abort());
    try {
      return await lines.question(question, { signal: ended.signal });
    } catch (err) {
      if (isInterrupted || !ended.signal.aborted) throw err;
      return '';
    }
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
    const isColored = !this.#isColorRefused && this.#stderr.hasColors?.() === true;
    this.#stderr.write(`${isColored ? styled(text, 'dim') : text}\n`);
  }
}

function failureOf(error: NodeJS.ErrnoException, isTerminal: boolean): Error {
  const { code = '' } = error;
  if (goneCodes.includes(code) || (isTerminal && code === terminalGoneCode))
    return new OutputGone(undefined, { cause: error });
  return failed(`cannot write to stdout: ${error.message.replace(/, write$/, '')}`);
}
