/** What a plan asks for, as calls of REST, and what is said of it meanwhile. */
import { type Step, stepName } from '../listeners-file/apply-plan.ts';
import { type ListenerCalls, namedPlace, type Unmade } from '../listeners-file/apply-steps.ts';
import { isPassing, Refused } from './failure.ts';
import { listenerPath, toBeClosed } from './listener-commands.ts';
import { nameOf } from './resource-tables.ts';
import type { Listener } from './rest-client.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Says that it waits, and for what. */
export function waitTeller({ terminal }: Pick<Session, 'terminal'>): (text: string) => void {
  return (text) => terminal.say(`kodama: ${text}`);
}

/** Knows at any time which of those that are to be made again may be missing. */
export class ToldCalls {
  readonly watched: ListenerCalls;
  readonly #terminal: Terminal;
  readonly #missing = new Set<string>();

  constructor(calls: ListenerCalls, steps: readonly Step[], terminal: Terminal) {
    const made = new Map(
      steps.flatMap((step) => (step.action === 'recreate' ? [[step.is.id, stepName(step)]] : [])),
    );
    this.#terminal = terminal;
    this.watched = {
      ...calls,
      delete: async (is) => {
        const name = made.get(is.id);
        if (name !== undefined) this.#missing.add(name);
        const isGone = await calls.delete(is);
        if (isGone) return true;
        this.#missing.delete(nameOf(is));
        terminal.say(`${nameOf(is)} ${toBeClosed}`);
        return false;
      },
      createAll: async (wanted) => {
        const end = await calls.createAll(wanted);
        for (const { name } of wanted) this.#missing.delete(name);
        return end;
      },
    };
  }

  tell({ restored, lost, fixed, reasons }: Unmade): void {
    if (restored.length > 0)
      this.#terminal.say(`closed, and made again as it was: ${restored.join(', ')}`);
    for (const text of fixed) this.#terminal.say(text);
    if (lost.length > 0) this.#sayLost('and not made again', lost);
    for (const reason of reasons) this.#terminal.say(reason);
  }

  /** Of what is under way nobody knows yet how it ends. */
  tellMissing(): void {
    if (this.#missing.size > 0) this.#sayLost('and perhaps not made again', [...this.#missing]);
  }

  #sayLost(what: string, names: readonly string[]): void {
    this.#terminal.say(`closed, ${what}: ${names.join(', ')}`);
    this.#terminal.say('kodama: the same command makes them as the file says');
  }
}

export function callsOf({ client, terminal }: Pick<Session, 'client' | 'terminal'>): ListenerCalls {
  return {
    async find(name) {
      try {
        return await client.get<Listener>(listenerPath(name));
      } catch (error) {
        if (error instanceof Refused && error.problem.code === 'not_found') return null;
        throw error;
      }
    },
    async createAll(listeners) {
      const place = (text: string) => namedPlace(text, listeners);
      const body = { listeners };
      await toldAs(place, place, client.call('POST', '/v1/listeners:batch', { body }));
      return 'made';
    },
    async update(is, body) {
      await toldOf(is, client.call('PATCH', listenerPath(is.id), { body }));
    },
    async delete(is) {
      return await toldOf(is, client.delete(listenerPath(is.id)));
    },
    isPassing,
    waits: waitTeller({ terminal }),
  };
}

async function toldOf<Told>(is: Listener, work: Promise<Told>): Promise<Told> {
  const name = nameOf(is);
  return await toldAs(
    (detail) => `${name}: ${detail}`,
    (path) => `${name}.${path}`,
    work,
  );
}

/** What is refused is told of by the names in the file. */
async function toldAs<Told>(
  words: (detail: string) => string,
  place: (path: string) => string,
  work: Promise<Told>,
): Promise<Told> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { detail, errors } = error.problem;
    const told = errors?.map(({ path, message }) => ({ path: place(path), message }));
    const fields = told === undefined ? {} : { errors: told };
    throw new Refused({ ...error.problem, detail: words(detail), ...fields });
  }
}
