/** A listener for as long as the command runs, and what happens on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { runBeside } from './command-beside.ts';
import { listenerEventLine } from './event-lines.ts';
import { CommandFailure, exitCodes, failed } from './failure.ts';
import { type Followed, follow } from './follow.ts';
import { HeldListener } from './held-listener.ts';
import { Interrupts } from './interrupts.ts';
import { toBeClosed } from './listener-commands.ts';
import { newListenerBody, withNewListenerFlags } from './listener-flags.ts';
import { hostOf } from './listener-host.ts';
import { faultsText, nameOf, whereText } from './resource-tables.ts';
import type { Event, Listener } from './rest-client.ts';
import type { Run, Session } from './session.ts';

/** After the delete its last events come at once. */
const endTimeoutMs = 5000;

export function listenCommand(run: Run): Command {
  const command = new Command('listen')
    .description('open a listener, print what happens on it, and close it at Ctrl-C')
    .usage('[options] [-- program [argument...]]')
    .argument(
      '[program...]',
      'behind --: runs beside it, with KODAMA_HOST, KODAMA_PORT, KODAMA_LISTENER, KODAMA_URL, and where they are given KODAMA_PROJECT and KODAMA_CA_CERT in its environment; its end is the end, and its exit code that of the command',
    )
    .action(run(listen));
  return withNewListenerFlags(command).addOption(
    new Option('--keep', 'leave the listener there at the end'),
  );
}

async function listen(session: Session, command: Command): Promise<number> {
  const { client, variables, terminal } = session;
  const { args: words } = command;
  const { keep: isKept = false } = command.opts<{ readonly keep?: true }>();
  const body = newListenerBody(command);
  const say = (text: string) => terminal.say(text);
  using interrupts = new Interrupts();
  await using held = await HeldListener.open({ client, body, isKept, say });
  const { listener } = held;
  const watcher = new ListenerWatcher(session, held, words.length > 0);
  const following = watcher.run();
  const close = async () => {
    await held.close();
    const isOver = !isKept && !held.isDraining;
    if (isOver) await Promise.race([following, delay(endTimeoutMs, undefined, { ref: false })]);
    say(
      isKept
        ? `${nameOf(listener)} goes on listening: kodama delete ${nameOf(listener)}`
        : watcher.summary(),
    );
  };
  try {
    await Promise.race([watcher.ready, following, interrupts.came]);
    if (!interrupts.signal.aborted) say(listeningText(listener, words.length === 0));
    if (words.length > 0) {
      const run = async () => {
        const host = await hostOf(listener, { client, nodeId: held.before.nodeId, say });
        return await runBeside({ words, listener, host, variables, interrupts, say });
      };
      return await codeOf({ run, following, close, say });
    }
    await Promise.race([interrupts.came, following]);
    const isOwnEnd = interrupts.signal.aborted || body.ttlMs !== undefined;
    if (!isOwnEnd) throw failed(`${nameOf(listener)} was closed by somebody else`);
    await close();
    return exitCodes.done;
  } finally {
    watcher.stop();
  }
}

interface Beside {
  readonly run: () => Promise<number>;
  readonly following: Promise<void>;
  readonly close: () => Promise<void>;
  readonly say: (text: string) => void;
}

/** Of the program: what fails beside it is told, and counts only where the program has done well. */
async function codeOf({ run, following, close, say }: Beside): Promise<number> {
  let told: unknown;
  following.catch((error: Error) => {
    told = error;
    say(`kodama: ${error.message}`);
  });
  const code = await run();
  try {
    await close();
    return code;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    if (error !== told) say(`kodama: ${error.message}`);
    return code === exitCodes.done ? error.exitCode : code;
  }
}

function listeningText(listener: Listener, isCtrlC: boolean): string {
  const { protocol, mode, faults } = listener;
  const about = [
    nameOf(listener),
    protocol,
    ...(mode === 'echo' ? [] : [mode]),
    ...(faults.length === 0 ? [] : [faultsText(faults)]),
  ];
  return `listening on ${whereText(listener)}  (${about.join(', ')})${isCtrlC ? '   Ctrl-C closes it' : ''}`;
}

/** Prints what happens on the listener, and counts it. */
class ListenerWatcher {
  readonly #session: Session;
  readonly #held: HeldListener;
  /** What runs beside it has stdout to itself. */
  readonly #isBeside: boolean;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #connections = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #spec: string;

  constructor(session: Session, held: HeldListener, isBeside: boolean) {
    this.#session = session;
    this.#held = held;
    this.#isBeside = isBeside;
    this.#spec = specOf(held.listener);
  }

  /** All that was on record is printed, and what comes will be. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  stop(): void {
    this.#stop.abort();
  }

  summary(): string {
    const count = this.#connections;
    const connections = `${count} ${count === 1 ? 'connection' : 'connections'}`;
    const { listener, isDraining } = this.#held;
    const name = nameOf(listener);
    const end = isDraining ? `${name} ${toBeClosed}; so far` : `closed ${name}:`;
    return `${end} ${connections}, ${this.#bytesIn} bytes in, ${this.#bytesOut} out`;
  }

  /** Ends when the listener is closed, whoever did it: nothing is printed behind that. */
  async run(): Promise<void> {
    const { client, terminal } = this.#session;
    const { listener, before } = this.#held;
    const followed = follow({
      client,
      query: { listenerId: listener.id },
      start: { afterSeq: before.headSeq },
      signal: this.#stop.signal,
      say: (text) => terminal.say(text),
    });
    for await (const each of followed) {
      await this.#print(each);
      if ('synced' in each.message) this.#ready.resolve();
      if ('event' in each.message && each.message.event.type === 'listener_closed') break;
    }
  }

  async #print({ line, message }: Followed): Promise<void> {
    const { terminal, format } = this.#session;
    if ('event' in message) this.#count(message.event);
    const text = format === 'json' ? `${line}\n` : this.#textOf(message);
    if (this.#isBeside) terminal.sayText(text);
    else await terminal.print(text);
  }

  /** That it was made is said once it is ready, and that it is closed with what came of it. */
  #textOf(message: Followed['message']): string {
    if (!('event' in message)) return '';
    const { event } = message;
    const isSaid = ['listener_created', 'listener_closed'].includes(event.type);
    const isFirst = event.type === 'listener_listening' && !this.#isChanged(event);
    const isRenewal = event.type === 'listener_updated' && !this.#isChanged(event);
    return isSaid || isFirst || isRenewal ? '' : listenerEventLine(event);
  }

  #isChanged({ listener }: Event): boolean {
    if (listener === undefined) return false;
    const spec = specOf(listener);
    const isChanged = spec !== this.#spec;
    this.#spec = spec;
    return isChanged;
  }

  #count({ type, connection }: Event): void {
    if (type === 'connection_opened') this.#connections += 1;
    if (type !== 'connection_closed' || connection === undefined) return;
    this.#bytesIn += connection.bytesIn;
    this.#bytesOut += connection.bytesOut;
  }
}

/** What it is, as far as it can change by itself or by a call; its time is not told. */
function specOf({ name, labels, limits, faults, state, laddr }: Listener): string {
  return JSON.stringify({ name, labels, limits, faults, state, laddr });
}
