/** A program that runs beside a listener, on the terminal of the command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { constants } from 'node:os';
import { environmentWith } from './environment.ts';
import type { Interrupts } from './interrupts.ts';
import type { Listener } from './rest-client.ts';

/** As a shell has them: what is not there, what cannot be run, and what a signal has ended. */
const shellCodes = { notFound: 127, notRunnable: 126, signal: 128 };

interface Beside {
  readonly words: readonly string[];
  readonly listener: Listener;
  /** By which it finds the kodama that has the listener. */
  readonly variables: Readonly<Record<string, string>>;
  readonly interrupts: Interrupts;
  readonly say: (text: string) => void;
}

/** Its exit code. It has the signals that this process gets: Ctrl-C the terminal has sent to it already. */
export async function runBeside({
  words,
  listener,
  variables,
  interrupts,
  say,
}: Beside): Promise<number> {
  const [program = '', ...rest] = words;
  const env = environmentWith({ ...variablesOf(listener), ...variables });
  const child = spawn(program, rest, { stdio: 'inherit', env });
  interrupts.onFirst = (signal) => {
    if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
  };
  try {
    const [code, signal]: [number | null, NodeJS.Signals | null] = (await once(
      child,
      'exit',
    )) as never;
    return code ?? shellCodes.signal + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    say(`kodama: cannot run ${program}: ${message}`);
    return code === 'ENOENT' ? shellCodes.notFound : shellCodes.notRunnable;
  }
}

/** Where the listener is reached, for whoever is to connect to it. */
function variablesOf({ laddr, name, id }: Listener): Readonly<Record<string, string>> {
  const ip = laddr?.ip ?? '';
  const loopback = isIPv6(ip) ? '::1' : '127.0.0.1';
  return {
    KODAMA_HOST: ip === '0.0.0.0' || ip === '::' ? loopback : ip,
    KODAMA_PORT: String(laddr?.port ?? ''),
    KODAMA_LISTENER: name ?? id,
  };
}
