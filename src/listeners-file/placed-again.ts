/** Where what is to be made again gets its place. It is known before its predecessor is closed: a node may take nothing new. */
import type { Step } from './apply-plan.ts';

/** Of a node that the project may use, what a placement goes by. */
export interface KnownNode {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly isBuiltIn: boolean;
  readonly cordoned: boolean;
}

export interface Unplaced {
  readonly name: string;
  readonly reason: string;
}

/** Those that no node would take now, were they closed: empty where all can be made again. */
export function unplacedOf(
  steps: readonly Step[],
  nodes: readonly KnownNode[],
): readonly Unplaced[] {
  return steps.flatMap((step) => {
    const reason = whyUnplaced(onItsNode(step, nodes), nodes);
    return reason === null || step.action !== 'recreate'
      ? []
      : [{ name: step.wanted.name, reason }];
  });
}

/**
 * What nobody placed would go to any node, and clients know its address: where another could get it, its own is named. So
 * it is of what is made as it was.
 */
export function onItsNode(step: Step, nodes: readonly KnownNode[]): Step {
  if (step.action !== 'recreate') return step;
  const { is, made, wanted } = step;
  const own = nodes.find(({ id }) => id === is.nodeId);
  const hasOthers = nodes.some((node) => node !== own && node.state === 'ready' && !node.cordoned);
  const isPlaced = is.placement !== null || is.state === 'draining';
  if (own === undefined || !isThere(own) || !hasOthers || isPlaced) return step;
  const placement = { node: own.id };
  return {
    ...step,
    ownNode: own.name,
    is: { ...is, placement: { ...placement, onNodeLost: 'stay' } },
    made: wanted.placement === undefined ? { ...made, placement } : made,
  };
}

function whyUnplaced(step: Step, nodes: readonly KnownNode[]): string | null {
  if (step.action !== 'recreate') return null;
  const { node, selector = {} } = (step.made.placement ?? {}) as {
    readonly node?: string;
    readonly selector?: Readonly<Record<string, string>>;
  };
  const labels = Object.entries(selector);
  const byId = nodes.filter(({ id }) => id === node);
  const fitting =
    node === undefined
      ? nodes.filter((one) => labels.every(([key, value]) => one.labels[key] === value))
      : byId.length > 0
        ? byId
        : nodes.filter(({ name }) => name === node);
  const [first, ...others] = fitting;
  if (first === undefined) {
    return node === undefined ? 'no node has the labels of its placement' : `no node ${node}`;
  }
  const those = others.length === 0 ? `node ${first.name} is` : 'the nodes that fit are';
  const open = fitting.filter(({ cordoned }) => !cordoned);
  if (open.length === 0) return `${those} cordoned`;
  // Of its own node that is away the close tells: it waits for that.
  const isClosedLater = (one: KnownNode) => one.id === step.is.nodeId && isThere(one);
  const canTake = open.some((one) => one.state === 'ready' || isClosedLater(one));
  return canTake ? null : `${those} not connected`;
}

/** Or will be again; a process that is gone may never be, and what it had is for the others. */
function isThere({ state, isBuiltIn }: KnownNode): boolean {
  return state === 'ready' || (state === 'disconnected' && !isBuiltIn);
}
