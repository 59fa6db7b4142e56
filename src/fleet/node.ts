/** A node: what holds echo sockets on a host, as people see it. The rest of what is on record of it is the fleet's own. */
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';

/**
 *   pending → ready ⇄ disconnected → lost → ready      removed is the end
 *
 * `pending` has joined and never had a session; `disconnected` tells nothing, and serves on; of one that is `lost` the
 * connections are closed on record.
 */
export const nodeStates = [
  'pending',
  'ready',
  'disconnected',
  'lost',
  'quarantined',
  'removed',
] as const;
export type NodeState = (typeof nodeStates)[number];

/** Of a node that nobody has told otherwise: an upgrade of the control plane is over sooner. */
export const lostAfterMsDefault = 300_000;

/** Never taken for an id. That of a built-in node is its id, which may be any 64 of these characters. */
export const nodeName = {
  pattern: /^(?!.{8}-.{4}-.{4}-.{4}-.{12}$)[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
  charsMax: 63,
  words:
    'must start with a letter or digit and hold at most 63 letters, digits, dots, dashes or underscores, and be no UUID',
};

/** What of a host's name may be in that of a node. */
export function nameOfHost(hostname: string): string {
  const plain = hostname.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[._-]+/, '');
  const name = plain.slice(0, nodeName.charsMax);
  if (name === '') return 'node';
  return nodeName.pattern.test(name) ? name : `node-${name}`;
}

export interface Node {
  /** The number that rows have in its place. */
  readonly ref: number;
  readonly id: string;
  readonly project: ProjectRef;
  readonly projectName: string;
  /** Of no other node of its project that is not removed. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: NodeState;
  /** In a replica's own process. */
  readonly isBuiltIn: boolean;
  /** Serves every project. */
  readonly shared: boolean;
  /** It gets no new listeners. */
  readonly cordoned: boolean;
  readonly version: string | null;
  readonly bootId: string | null;
  /** As its host calls itself. */
  readonly hostname: string | null;
  /** Of its host. */
  readonly addresses: readonly string[];
  /** What it binds where a listener names no host; null: what the replica that was asked does. */
  readonly listenHost: string | null;
  /** From which ports are drawn where a listener names none; null: the kernel's choice. */
  readonly portRange: { readonly from: number; readonly to: number } | null;
  readonly lastSeenAt: Micros | null;
  /** After so long without a word its connections are ended, there and on record. */
  readonly lostAfterMs: number;
  /** Records that it holds and that are not on record, as it last told. */
  readonly spoolRecords: number;
  /** Its host's clock less that of the control plane. */
  readonly clockOffsetMs: number | null;
  readonly createdAt: Micros;
  /** Of the project that asks, or of all for an operator. */
  readonly listeners: number;
  readonly openConnections: number;
}

/** A node as it is told: callers know projects by their names. */
export type ToldNode = Omit<Node, 'ref' | 'project' | 'projectName'> & { readonly project: string };

export function toldNode({ ref: _, projectName: project, ...node }: Node): ToldNode {
  return { ...node, project };
}
