/** How a listener ends whose node's place this process has not: by who has it, or on behalf of a node that is away. */
import type { Caller } from './caller.ts';
import type { ListenerDirectory } from './directories.ts';
import { hasCode } from './errors.ts';
import type { GoneNodes } from './gone-nodes.ts';
import { drainEnd, isOver, type Listener } from './listener.ts';
import { type OtherNodes, whereItIs } from './node-command.ts';
import type { Whereabouts } from './nodes.ts';
import type { Clock } from './ports.ts';
import { WakeUps } from './wake-ups.ts';

export interface ClosesElsewhereOptions {
  readonly others: OtherNodes;
  readonly goneNodes: GoneNodes;
  readonly clock: Clock;
}

/** Whether it is still to end, when its turn comes. */
export type IsDue = (listener: Listener) => boolean;

interface AbsentClose {
  readonly where: Whereabouts;
  readonly drainMs: number;
  readonly isDue?: IsDue;
}

const lookMsMin = 50;
const lookMsMax = 2000;
/** Longer than a node on a host of its own takes to tell of an end. */
const graceMs = 5000;

export class ClosesElsewhere {
  readonly #options: ClosesElsewhereOptions;

  constructor(options: ClosesElsewhereOptions) {
    this.#options = options;
  }

  /** Resolves with whether it is closed: of a node that nobody hears it is to be. @throws unavailable */
  async close(
    listeners: Pick<ListenerDirectory, 'find'>,
    by: Caller | null,
    listener: Listener,
    drainMs: number,
  ): Promise<boolean> {
    const { others } = this.#options;
    const { id, nodeId, project } = listener;
    return await whereItIs(others, nodeId, async (where) => {
      if (where !== 'there') return await this.#closeAbsent(by, listener, { where, drainMs });
      const left = await others.run(by, project, nodeId, { kind: 'close', id, drainMs });
      if (left.length === 0 || drainMs === 0 || by === null) return left.length === 0;
      return await drained(listeners, id, { signal: by.signal, drainMs });
    });
  }

  /** Nothing where its node is there: who has that closes it by itself. @throws unavailable */
  async expire(listener: Listener, isDue: IsDue): Promise<void> {
    await whereItIs(this.#options.others, listener.nodeId, async (where) => {
      if (where !== 'there') await this.#closeAbsent(null, listener, { where, drainMs: 0, isDue });
    });
  }

  async #closeAbsent(
    by: Caller | null,
    listener: Listener,
    { where, drainMs, isDue = () => true }: AbsentClose,
  ): Promise<boolean> {
    const { goneNodes, clock } = this.#options;
    if (where !== 'disconnected') {
      await goneNodes.closeListener(by, listener, isDue);
      return true;
    }
    // A drain that is on record can only be made shorter.
    await goneNodes.changeListener(by, listener, (now) => {
      const expiresAt = drainEnd(now, clock.now(), drainMs);
      const isSooner = now.state !== 'draining' || expiresAt < (now.expiresAt ?? 0);
      return isOver(now) || !isDue(now) || !isSooner ? null : { state: 'draining', expiresAt };
    });
    return false;
  }
}

/**
 * A drain goes on by itself, and is on record. Resolves with whether it is closed: a node that is not heard of any more
 * takes longer. @throws why the caller left
 */
async function drained(
  listeners: Pick<ListenerDirectory, 'find'>,
  id: string,
  { signal, drainMs }: Pick<Caller, 'signal'> & { readonly drainMs: number },
): Promise<boolean> {
  const pauses = new WakeUps();
  const overAt = performance.now() + drainMs + graceMs;
  for (let lookMs = lookMsMin; ; lookMs = Math.min(2 * lookMs, lookMsMax)) {
    // While the store is away the drain goes on.
    const listener = await listeners.find(id).catch((error: unknown) => {
      if (!hasCode(error, 'unavailable')) throw error;
      return 'unknown' as const;
    });
    if (listener === null || (listener !== 'unknown' && isOver(listener))) return true;
    if (performance.now() >= overAt) return false;
    await pauses.sleep(lookMs, signal);
    signal.throwIfAborted();
  }
}
