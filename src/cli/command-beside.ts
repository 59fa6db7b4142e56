/** A program that runs beside a listener, on the terminal of the command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { environmentWith } from './environment.ts';
import { exitCodes } from './failure.ts';
import type { Interrupts } from './interrupts.ts';
import type { Listener } from './rest-client.ts';
import type { Session } from './session.ts';

/** As a shell has them: what is not there, and what cannot be run. */
const shellCodes = { notFound: 127, notRunnable: 126 };

interface Beside {
  readonly words: readonly string[];
  readonly listener: Listener;
  /** Where it is reached; undefined where that is not known. */
  readonly host: string | undefined;
  /** By which it finds the kodama that has the listener. */
  readonly variables: Session['variables'];
  readonly interrupts: Interrupts;
  readonly say: (text: string) => void;
}

/** Its exit code. It is not started after a signal, and has the signals that this process gets: Ctrl-C the terminal has sent to it already. */
export async function runBeside({
  words,
  listener,
  host,
  variables,
  interrupts,
  say,
}: Beside): Promise<number> {
  const { exitCode } = interrupts;
  if (exitCode !== null) return exitCode;
  const [program = '', ...rest] = words;
  const { laddr, name, id } = listener;
  const env = environmentWith({
    KODAMA_HOST: host,
    KODAMA_PORT: String(laddr?.port ?? ''),
    KODAMA_LISTENER: name ?? id,
    ...variables,
  });
  const child = spawn(program, rest, { stdio: 'inherit', env });
  interrupts.onFirst = (signal) => {
    if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
  };
  try {
    const exit = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const [code, signal] = exit;
    return code ?? exitCodes.signal + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    say(`kodama: cannot run ${program}: ${message}`);
    return code === 'ENOENT' ? shellCodes.notFound : shellCodes.notRunnable;
  }
}
