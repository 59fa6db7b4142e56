/** One command: its line → what it asks for → its exit code. */
import { type Command, CommanderError } from 'commander';
import type { CommandEnvironment } from './environment.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { jsonText } from './json-text.ts';
import { buildProgram } from './program.ts';
import { type CommonOptions, openSession, type Run } from './session.ts';
import { OutputGone, type Terminal } from './terminal.ts';

export interface CommandGround {
  readonly environment: CommandEnvironment;
  readonly terminal: Terminal;
}

/** Resolves with the exit code; everything that it says goes to the terminal. */
export async function runCommand(
  words: readonly string[],
  { environment, terminal }: CommandGround,
): Promise<number> {
  let code: number = exitCodes.done;
  const run: Run = (handler, { hasOwnTokenFile = false } = {}) =>
    async function action(this: Command) {
      const { tokenFile, ...others } = this.optsWithGlobals<CommonOptions>();
      const options = {
        ...others,
        ...(!hasOwnTokenFile && tokenFile !== undefined && { tokenFile }),
      };
      const session = openSession(options, { token: environment.token, terminal });
      try {
        code = (await handler(session, this)) ?? exitCodes.done;
      } catch (error) {
        // What another server answers is read as a kodama's.
        throw error instanceof TypeError ? (session.client.strangeAnswer ?? error) : error;
      }
    };
  const program = buildProgram(environment, run, terminal.asItComes);
  try {
    await program.parseAsync(words, { from: 'user' }).finally(() => terminal.taken());
    return code;
  } catch (error) {
    return report(terminal, error, isJsonAsked(program));
  }
}

function isJsonAsked(program: Command): boolean {
  return program.opts<Partial<CommonOptions>>().output === 'json';
}

/** What was not foreseen is a bug, and ends the process with its stack. */
function report(terminal: Terminal, error: unknown, isJson: boolean): number {
  // What went wrong first, and what then could not be put away, such as a listener of a kodama that is gone.
  if (error instanceof SuppressedError) {
    const code = report(terminal, error.suppressed, isJson);
    report(terminal, error.error, isJson);
    return code;
  }
  if (error instanceof OutputGone) return exitCodes.done;
  // Only Ctrl-C ends what a command waits for.
  if (error instanceof Error && error.name === 'AbortError') return exitCodes.interrupted;
  // Commander has said it already.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (!(error instanceof CommandFailure)) throw error;
  const { problem, hint, remedy, exitCode } = error;
  if (isJson) terminal.sayText(`${jsonText(problem)}\n`);
  else {
    terminal.say(`kodama: ${codeText(problem.code)}${problem.detail}`);
    for (const { path, message } of problem.errors?.slice(1) ?? []) {
      terminal.say(`kodama: ${path}: ${message}`);
    }
    if (remedy !== null) terminal.say(`kodama: ${remedy}`);
    if (hint !== null) terminal.hint(hint);
  }
  return exitCode;
}

/** Codes of the API are for those who look them up; those of the command say nothing more than its words. */
function codeText(code: string): string {
  return ['usage', 'failed', 'unreachable'].includes(code) ? '' : `${code}: `;
}
