/** What is asked of a node whose place another process has: plain JSON data, and so is the answer. */
import type { Caller } from './caller.ts';
import { NodeUp } from './errors.ts';
import type { Fault, UnnamedFault } from './fault.ts';
import type { Listener, ListenerPatch, NewListener } from './listener.ts';
import type { Whereabouts } from './nodes.ts';
import type { ProjectRef } from './project.ts';

export type ListenerCommand =
  | {
      readonly kind: 'create';
      readonly inputs: readonly NewListener[];
      /** A command that is repeated finds what it made. */
      readonly ids: readonly string[];
    }
  | { readonly kind: 'update'; readonly id: string; readonly patch: ListenerPatch }
  | {
      readonly kind: 'set_faults';
      readonly id: string;
      /** What they were: nobody's change is lost in another's. */
      readonly before: readonly Fault[];
      readonly after: readonly UnnamedFault[];
    }
  | { readonly kind: 'close'; readonly id: string; readonly drainMs: number };

export type NodeCommand =
  | ListenerCommand
  | { readonly kind: 'close_connection'; readonly id: string; readonly mode: 'fin' | 'rst' };

/** Nodes whose place another process has. */
export interface OtherNodes {
  /** @throws not_found, unavailable */
  whereIs(nodeId: string): Promise<Whereabouts>;
  /**
   * Has it run where the node's place is. Resolves with the listeners that it made or changed; of a close with that which
   * is not closed yet, as its drain begins.
   * @throws what the command throws, and unavailable where nobody answers in time; it may still be done
   */
  run(
    by: Caller | null,
    project: ProjectRef,
    nodeId: string,
    command: NodeCommand,
  ): Promise<readonly Listener[]>;
}

/** By then a node that is away may be back. */
export const awayRetryMs = 5000;
const looksMax = 3;

/** Work by where a node is, which may be back once its place is wanted: then it is looked again. @throws what the work throws */
export async function whereItIs<Done>(
  others: Pick<OtherNodes, 'whereIs'>,
  nodeId: string,
  work: (where: Whereabouts) => Promise<Done>,
): Promise<Done> {
  for (let look = 1; ; look += 1) {
    try {
      return await work(await others.whereIs(nodeId));
    } catch (error) {
      if (!(error instanceof NodeUp) || look === looksMax) throw error;
    }
  }
}
