/** Which node gets new listeners: the less loaded of two that are drawn at random among those that fit. */
import { AppError, hasCode, limitReached } from '../core/errors.ts';
import type { HeldNodes } from '../core/held-nodes.ts';
import type { ListenerPlacement, NewListener } from '../core/listener.ts';
import type { Placed, Placement } from '../core/placement.ts';
import type { ProjectRef } from '../core/project.ts';
import type { OwnCordon } from './own-cordon.ts';

/** A node that a project may use. */
export interface PlaceableNode {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The project's own; else it serves every project. */
  readonly isOwn: boolean;
  readonly isReady: boolean;
  readonly cordoned: boolean;
}

export interface PlaceableNodes {
  /** The project's own nodes, and those that serve every project. */
  placeable(project: ProjectRef): Promise<readonly PlaceableNode[]>;
  /** How many listeners each of these has that are not closed, of all projects; of one that is gone nothing. */
  loads(project: ProjectRef, nodeIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

interface LoadedNode extends PlaceableNode {
  /** Of all projects, not closed. */
  readonly listeners: number;
}

export interface PlacementsOptions {
  readonly nodes: PlaceableNodes;
  readonly held: HeldNodes;
  readonly ownCordon: Pick<OwnCordon, 'isCordoned'>;
  readonly limits: { readonly nodeListenersMax: number };
  readonly random?: () => number;
}

/** Nodes that are tried for a port that nobody named a node for. */
const triesMax = 4;
const retryAfterMs = 5000;

export class Placements implements Placement {
  readonly #options: PlacementsOptions;

  constructor(options: PlacementsOptions) {
    this.#options = options;
  }

  async place<Made>(
    project: ProjectRef,
    inputs: readonly NewListener[],
    make: (placed: Placed) => Promise<Made>,
  ): Promise<Made> {
    const { held, ownCordon } = this.#options;
    const ask = askOf(inputs);
    if (ask === null && held.own !== null && !(await ownCordon.isCordoned())) {
      return await make({ nodeId: held.own.nodeId, isHere: true });
    }
    const fitting = await this.#fitting(project, ask, inputs.length);
    const tries = ask?.node === undefined ? triesMax : 1;
    for (let attempt = 1; ; attempt += 1) {
      const { id: nodeId } = draw(fitting, this.#options.random ?? Math.random);
      try {
        return await make({ nodeId, isHere: held.get(nodeId) !== null });
      } catch (error) {
        const isLast = attempt === tries || fitting.length === 1;
        if (isLast || !hasCode(error, 'port_in_use')) throw error;
        fitting.splice(
          fitting.findIndex(({ id }) => id === nodeId),
          1,
        );
      }
    }
  }

  async #fitting(
    project: ProjectRef,
    ask: ListenerPlacement | null,
    count: number,
  ): Promise<LoadedNode[]> {
    const { nodes, limits } = this.#options;
    const all = await nodes.placeable(project);
    const wanted = wantedOf(all, ask);
    if (wanted.length === 0) {
      throw unfit('failed_precondition', noneFor(ask));
    }
    const open = wanted.filter((node) => !node.cordoned);
    if (open.length === 0) throw unfit('failed_precondition', 'those that fit are cordoned');
    const ready = open.filter((node) => node.isReady);
    if (ready.length === 0) throw unfit('unavailable', 'those that fit are not connected');
    const { nodeListenersMax: limitValue } = limits;
    const ids = ready.map(({ id }) => id);
    const loads = await nodes.loads(project, ids);
    const loaded = ready.map((node) => ({ ...node, listeners: loads.get(node.id) ?? 0 }));
    const roomy = loaded.filter(({ listeners }) => listeners + count <= limitValue);
    if (roomy.length === 0) {
      const message = `a node holds at most ${limitValue} listeners`;
      throw limitReached('nodeListenersMax', limitValue, message);
    }
    const own = roomy.filter((node) => node.isOwn);
    return ask?.node === undefined && own.length > 0 ? own : roomy;
  }
}

/** A batch goes to one node whole. @throws invalid_argument where its listeners ask for several */
function askOf(inputs: readonly NewListener[]): ListenerPlacement | null {
  const asks = inputs.map(({ placement = null }) => placement);
  const [first = null] = asks;
  const text = JSON.stringify(first);
  if (asks.every((ask) => JSON.stringify(ask) === text)) return first;
  throw new AppError('invalid_argument', 'placement: a batch goes to one node whole', {
    errors: [{ path: 'placement', message: 'must be the same for all' }],
  });
}

function wantedOf(
  nodes: readonly PlaceableNode[],
  ask: ListenerPlacement | null,
): readonly PlaceableNode[] {
  const { node: named, selector = {} } = ask ?? {};
  if (named === undefined) {
    const wanted = Object.entries(selector);
    return nodes.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
  }
  // A shared node may be called as one of the project's own: the own one is meant, as in every other call.
  const called = nodes.filter(({ name }) => name === named);
  const meant = nodes.find(({ id }) => id === named) ?? called.find(({ isOwn }) => isOwn);
  return meant === undefined ? called.slice(0, 1) : [meant];
}

function noneFor(ask: ListenerPlacement | null): string {
  if (ask === null) return 'there is no node';
  return ask.node === undefined ? 'no node has these labels' : `there is no node ${ask.node}`;
}

/** The less loaded of two. */
function draw(nodes: readonly LoadedNode[], random: () => number): LoadedNode {
  const pick = () => nodes[Math.floor(random() * nodes.length)] as LoadedNode;
  const [one, other] = [pick(), pick()];
  return one.listeners <= other.listeners ? one : other;
}

function unfit(code: 'failed_precondition' | 'unavailable', why: string): AppError {
  const errors = [{ path: 'placement', message: why }];
  const again = code === 'unavailable' ? { retryAfterMs } : {};
  return new AppError(code, `placement: ${why}`, { errors, ...again });
}
