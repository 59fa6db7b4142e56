/** The listener behind the box: one that is there already, or one that lives as long as the search. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inParallel } from '../../core/in-parallel.ts';
import { failed, Refused } from '../failure.ts';
import { HeldListener } from '../held-listener.ts';
import { listenerPath } from '../listener-commands.ts';
import { nameOf } from '../resource-tables.ts';
import type { Connection, Listener } from '../rest-client.ts';
import type { Session } from '../session.ts';
import type { Rung } from './ladder.ts';
import type { SearchPlan } from './search-plan.ts';
import { datagramBytes } from './udp-probe.ts';
import type { JoinedRung, RungRecord } from './verdict.ts';

export interface ListenerChoice {
  readonly listener?: string;
  readonly listenPort?: number;
  readonly listenHost?: string;
}

/** A session that is silent must not end by the server's own time. */
const sessionSlackMs = 60_000;
/** Counters of what is open are a few seconds old. */
const recordWaitMs = 5000;
const recordPollMs = 100;
const readsAtOnce = 8;

/** What the search needs of it. */
export class TargetListener implements AsyncDisposable {
  readonly #session: Session;
  readonly #held: HeldListener | null;
  /** The faults that speak. */
  readonly #spoken: string[] = [];
  readonly listener: Listener;

  static async open(
    session: Session,
    plan: SearchPlan,
    choice: ListenerChoice,
  ): Promise<TargetListener> {
    const { client, terminal } = session;
    if (choice.listener !== undefined) {
      const listener = await client.get<Listener>(listenerPath(choice.listener));
      requireSuitable(listener, plan);
      return new TargetListener(session, listener, null);
    }
    const body = newListener(plan, choice);
    const held = await HeldListener.open({ client, body, say: (text) => terminal.say(text) });
    return new TargetListener(session, held.listener, held);
  }

  private constructor(session: Session, listener: Listener, held: HeldListener | null) {
    this.#session = session;
    this.#held = held;
    this.listener = listener;
  }

  /** Says the word once to every connection, by a fault that is there until `hush`. */
  async speak(word: string, signal: AbortSignal): Promise<void> {
    const name = `idle-${word.trim().slice(-8)}`;
    this.#spoken.push(name);
    const body = { type: 'speak', name, text: word, afterIdleMs: 10, times: 1 };
    await this.#session.client.call('POST', this.#faultsPath, { body, signal });
  }

  /** Who connects from now on is told nothing. */
  async hush(): Promise<void> {
    for (const name of this.#spoken.splice(0)) {
      try {
        await this.#session.client.call('DELETE', `${this.#faultsPath}/${name}`);
      } catch (error) {
        // It never came to be, or somebody else has taken it away.
        if (!(error instanceof Refused) || error.problem.code !== 'not_found') throw error;
      }
    }
  }

  get #faultsPath(): string {
    return `${listenerPath(this.listener.id)}/faults`;
  }

  /** The rungs with what is on record of them, once that is as new as it has to be. */
  async join(rungs: readonly Rung[], signal: AbortSignal): Promise<readonly JoinedRung[]> {
    const records = new Map<string, RungRecord>();
    const deadline = performance.now() + recordWaitMs;
    let open = rungs.flatMap((rung) =>
      rung.connectionId === null ? [] : [{ ...rung, connectionId: rung.connectionId }],
    );
    while (open.length > 0 && performance.now() < deadline) {
      await inParallel(open, readsAtOnce, async ({ connectionId }) => {
        const record = await this.#recordOf(connectionId, signal);
        if (record !== null) records.set(connectionId, record);
      });
      open = open.filter((rung) => !isSettled(rung, records.get(rung.connectionId)));
      if (open.length > 0) await delay(recordPollMs, undefined, { signal });
    }
    return rungs.map((rung) => ({ ...rung, record: records.get(rung.connectionId ?? '') ?? null }));
  }

  /** Null while it is not on record. */
  async #recordOf(id: string, signal: AbortSignal): Promise<Connection | null> {
    try {
      return await this.#session.client.get<Connection>(`/v1/connections/${id}`, {}, signal);
    } catch (error) {
      if (error instanceof Refused && error.problem.code === 'not_found') return null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#held === null) await this.hush();
    else await this.#held.close();
  }
}

function newListener({ target, protocol, silencesMs }: SearchPlan, choice: ListenerChoice) {
  const { listenPort: port = target.port, listenHost: host } = choice;
  const longestMs = Math.max(...silencesMs);
  return {
    mode: 'info',
    protocol,
    port,
    ...(host === undefined ? {} : { host }),
    // So that the history finds the search again.
    labels: { 'idle-run': randomBytes(4).toString('hex') },
    limits:
      protocol === 'udp'
        ? { udpIdleTimeoutMs: longestMs + sessionSlackMs }
        : { idleTimeoutMs: null },
  };
}

/** @throws CommandFailure where it can tell nothing about what stands before it */
function requireSuitable(listener: Listener, { protocol, silencesMs }: SearchPlan): void {
  const { mode, limits } = listener;
  const name = nameOf(listener);
  if (listener.protocol !== protocol)
    throw failed(`${name} is of ${listener.protocol}, not ${protocol}`);
  if (mode !== 'info') throw failed(`${name} is in mode ${mode}: a search needs mode info`);
  const ownMs = protocol === 'udp' ? limits.udpIdleTimeoutMs : limits.idleTimeoutMs;
  if (ownMs !== null && ownMs <= Math.max(...silencesMs)) {
    throw failed(`${name} itself ends what is silent for ${ownMs} ms: --to has to stay below that`);
  }
}

function isSettled({ client, isBroken, isUnsure }: Rung, record: RungRecord | undefined): boolean {
  if (record === undefined) return false;
  // The other end of what the box has closed is mostly closed as well.
  if (!isBroken && client !== 'unfinished') return record.closedAt !== null;
  return !isUnsure || record.bytesIn >= 2 * datagramBytes;
}
