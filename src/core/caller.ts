/** Who calls, and what of them a use case may know: each takes its caller first. */
import type { Micros } from './time.ts';

/** What a key may do; `operator` is for what belongs to no project. */
export const scopes = [
  'listeners:read',
  'listeners:write',
  'connections:read',
  'connections:write',
  'events:read',
  'nodes:read',
  'nodes:write',
  'keys:read',
  'keys:write',
  'audit:read',
  'metrics:read',
  'operator',
] as const;

export type Scope = (typeof scopes)[number];

export const actorKinds = ['key', 'operator', 'node', 'system'] as const;

export interface Actor {
  readonly kind: (typeof actorKinds)[number];
  readonly id: string | null;
  /** What people know it by, without its secret. */
  readonly hint: string | null;
}

/** What is known of whoever shows a key. */
export interface Identity {
  readonly project: string;
  readonly actor: Actor;
  readonly scopes: ReadonlySet<Scope>;
  /** An operator's; a key is for its project, named or not. */
  readonly isProjectNamed: boolean;
  /** The digest of a key that can end; null: nothing was shown, or what the environment says. */
  readonly digest: string | null;
  /** When it ends by itself. */
  readonly expiresAt: Micros | null;
}

export interface Caller extends Identity {
  /** What it calls: its name in the table of operations. */
  readonly operation: string;
  readonly requestId: string;
  readonly sourceIp: string | null;
  readonly userAgent: string | null;
  /** Aborts when the caller goes away: reads and waits end then; what changes something goes on once it has begun. */
  readonly signal: AbortSignal;
}

export const defaultProject = 'default';

/** Whoever may do all there is. */
export const operator: Identity = {
  project: defaultProject,
  actor: { kind: 'operator', id: null, hint: null },
  scopes: new Set(scopes),
  ...{ isProjectNamed: false, digest: null, expiresAt: null },
};

/** Whoever is not asked who they are, such as a probe. */
export const nobody: Identity = {
  project: defaultProject,
  actor: { kind: 'system', id: null, hint: null },
  scopes: new Set(),
  ...{ isProjectNamed: false, digest: null, expiresAt: null },
};

/** Who caused what all of a project see: not which operator. */
export function shownActor({ actor }: Identity): Actor {
  return actor.kind === 'operator' ? operator.actor : actor;
}

/** Whether it is for what belongs to no project. */
export function isOperator({ actor, scopes: own }: Identity): boolean {
  return actor.kind === 'operator' && own.has('operator');
}
