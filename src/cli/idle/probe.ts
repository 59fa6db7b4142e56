/** One connection through whatever stands between, as its client has it. */

/** What an info listener says of a connection. */
export interface Greeting {
  readonly connectionId: string;
  readonly listenerId: string;
}

/** How a client sees its connection ended by others; `unreachable` is any other error of its socket. */
export type End = 'rst' | 'fin' | 'unreachable';
/** How a word comes back; `remapped`: from another session, since the client has another address now. */
export type Heard = 'echo' | 'remapped';

export interface Probe extends Disposable {
  readonly greeting: Greeting;
  /** When it began to be opened, by `performance.now()`: no byte of it is older. */
  readonly openedAt: number;
  /** When its greeting came: until somebody speaks no byte of it is younger. */
  readonly quietSince: number;
  readonly ended: Promise<End>;
  /** How often the last word was said: an echo of the first try tells more than one of a later. */
  readonly tries: number;
  /** Says the word, again where that may get lost, and resolves when it comes back. */
  ask(word: string): Promise<Heard>;
  /** Resolves when the word comes, whoever said it. One at a time. */
  hear(word: string): Promise<Heard>;
  /** Says good-bye to an end that is there; disposing says it to nobody. */
  close(): void;
}

/** It could not be opened, for the reason that it tells. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure';
}

export interface ProbeOptions {
  readonly ip: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

export const openTimeoutMs = 10_000;
/** For how long a word may be on its way, there and back. */
export const answerMs = 5000;
/** A stranger's first line is not gathered for ever. */
export const greetingBytesMax = 4096;
/** Longer than any word. */
export const wordLengthMax = 128;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Null where it is not the line of an info listener. */
export function parseGreeting(line: string): Greeting | null {
  try {
    const { connectionId, listenerId } = JSON.parse(line) ?? {};
    const isOne = uuid.test(connectionId) && uuid.test(listenerId);
    return isOne ? { connectionId, listenerId } : null;
  } catch {
    return null;
  }
}

/** What the promise gives; undefined when it takes longer. @throws AbortError */
export async function within<Value>(
  promise: Promise<Value>,
  ms: number,
  signal: AbortSignal,
): Promise<Value | undefined> {
  const { promise: over, resolve, reject } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
