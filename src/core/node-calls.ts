/** What is asked of nodes whose places this process has, by its own callers and by other processes. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from './caller.ts';
import { AppError, hasCode, Unsettled } from './errors.ts';
import type { Fault } from './fault.ts';
import type { HeldNode } from './held-node.ts';
import type { HeldNodes } from './held-nodes.ts';
import type { Listener } from './listener.ts';
import type { ListenerEntry } from './listener-set.ts';
import type { NodeCommand } from './node-command.ts';
import type { ProjectRef } from './project.ts';
import { whileThere } from './while-there.ts';

export interface NodeCallLimits {
  /** How long it is waited for the end of a connection, of a listener on another host, and of a create that is repeated. */
  readonly closeTimeoutMs: number;
}

export interface NodeCallsOptions {
  readonly nodes: HeldNodes;
  readonly limits: NodeCallLimits;
}

const retryAfterMs = 1000;

export class NodeCalls {
  readonly #options: NodeCallsOptions;

  constructor(options: NodeCallsOptions) {
    this.#options = options;
  }

  /**
   * Resolves as OtherNodes.run does.
   * @throws what the command throws; unavailable where the node's place is not here any more
   */
  async run(
    by: Caller | null,
    project: ProjectRef,
    nodeId: string,
    command: NodeCommand,
  ): Promise<readonly Listener[]> {
    const node = this.#options.nodes.get(nodeId);
    if (node === null) {
      throw new AppError('unavailable', `node ${nodeId} is not connected here`, { retryAfterMs });
    }
    const { listeners, set } = node;
    switch (command.kind) {
      case 'create': {
        const { ids, inputs } = command;
        // What is wished, or was read, is on record; where it is being made, that has an end.
        const isOnRecord = ({ wished, listener }: ListenerEntry) =>
          wished > 0 || listener.revision > 0;
        const begun = ids.flatMap((id) => set.get(id) ?? []).find((one) => !isOnRecord(one));
        if (begun !== undefined) {
          const signal = AbortSignal.timeout(this.#options.limits.closeTimeoutMs);
          await whileThere({ signal }, begun.turn).catch(() => {
            throw new Unsettled('it is being made');
          });
        }
        const made = ids.flatMap((id) => set.get(id) ?? []);
        const isDone = made.length === ids.length && made.every(isOnRecord);
        if (isDone) return made.map(({ listener }) => listener);
        return await listeners.create(asker(by), project, inputs, ids);
      }
      case 'update':
        return [await listeners.update(asker(by), command.id, command.patch)];
      case 'set_faults': {
        const { id, before, after } = command;
        return [
          await listeners.updateFaults(asker(by), id, (faults) => replaced(faults, before, after)),
        ];
      }
      case 'close':
        return await this.#close(node, by, command);
      case 'close_connection':
        await this.closeConnection(node, asker(by), command.id, command.mode);
        return [];
    }
  }

  /** A drain has its answer as it begins: it may take a day, and its end is on record. */
  async #close(
    node: HeldNode,
    by: Caller | null,
    { id, drainMs }: Extract<NodeCommand, { kind: 'close' }>,
  ): Promise<readonly Listener[]> {
    const entry = node.set.get(id);
    if (entry === null) return [];
    if (drainMs > 0) await node.listeners.closes.begin(by, id, drainMs);
    else if (await this.close(node, by, id, 0)) return [];
    return [entry.listener];
  }

  /**
   * Resolves with whether it is closed: where its node takes longer than who asks waits, or is not heard of any more, it
   * is on record that it is to be. @throws not_found when it is gone meanwhile, unavailable
   */
  async close(
    { listeners, set, isRemote }: HeldNode,
    by: Caller | null,
    id: string,
    drainMs: number,
  ): Promise<boolean> {
    const closing = listeners.close(by, id, drainMs).then(() => true);
    if (!isRemote) return await closing;
    const entry = set.get(id);
    const over = new AbortController();
    const { closeTimeoutMs } = this.#options.limits;
    const late = delay(drainMs + closeTimeoutMs, false, { signal: over.signal, ref: false });
    try {
      if (await Promise.race([closing, late])) return true;
      if (entry?.listener.state === 'draining') return false;
      throw new AppError('unavailable', 'its node does not answer', { retryAfterMs });
    } catch (error) {
      if (entry?.listener.state === 'draining' && hasCode(error, 'unavailable')) return false;
      throw error;
    } finally {
      over.abort();
      late.catch(() => undefined);
      closing.catch(() => undefined);
    }
  }

  /** Resolves when its end is on record, or the time is over. */
  async closeConnection(
    { recorder, dataPlane }: HeldNode,
    caller: Caller,
    connectionId: string,
    mode: 'fin' | 'rst',
  ): Promise<void> {
    const { limits } = this.#options;
    const signal = AbortSignal.any([caller.signal, AbortSignal.timeout(limits.closeTimeoutMs)]);
    const closed = recorder.closed(connectionId, signal);
    const workerId = recorder.workerOf(connectionId);
    if (workerId !== null) {
      recorder.askClose(caller, connectionId, mode);
      await dataPlane.closeConnection({ workerId, connectionId }, mode);
    }
    await closed;
  }
}

/** Nobody asks for what is no end. */
function asker(by: Caller | null): Caller {
  if (by === null) throw new TypeError('somebody asks for a change');
  return by;
}

/** @throws failed_precondition where they are not what they were */
function replaced<After>(faults: readonly Fault[], before: readonly Fault[], after: After): After {
  if (isDeepStrictEqual(faults, before)) return after;
  const message = 'another changed its faults meanwhile';
  throw new AppError('failed_precondition', message, { retryAfterMs });
}
