/** Who calls, and what of them a use case may know: each takes its caller first. */

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

export interface Actor {
  readonly kind: 'key' | 'operator' | 'node' | 'system';
  readonly id: string | null;
  /** What people know it by, without its secret. */
  readonly hint: string | null;
}

/** What is known of whoever shows a key. */
export interface Identity {
  readonly project: string;
  readonly actor: Actor;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Caller extends Identity {
  readonly requestId: string;
  readonly sourceIp: string | null;
  readonly userAgent: string | null;
  /** Aborts when the caller goes away: reads and waits end then; what changes something goes on once it has begun. */
  readonly signal: AbortSignal;
}

/** Names whoever shows a key. @throws unauthenticated */
export interface Keys {
  /** `secret` is null where none was shown. */
  identify(secret: string | null): Promise<Identity>;
}

export const defaultProject = 'default';

/** Whoever may do all there is. */
export const operator: Identity = {
  project: defaultProject,
  actor: { kind: 'operator', id: null, hint: null },
  scopes: new Set(scopes),
};

/** Whoever is not asked who they are, such as a probe. */
export const nobody: Identity = {
  project: defaultProject,
  actor: { kind: 'system', id: null, hint: null },
  scopes: new Set(),
};
