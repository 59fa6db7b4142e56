/** How a key is, and what a new one may be given. */
import type { Shown } from '../http/resources.ts';
import type { keyResource, toldKeyResource } from '../http/tenancy-resources.ts';
import type { OwnProjectView } from './caller.ts';

export type KeyView = Shown<typeof keyResource>;
export type ToldKeyView = Shown<typeof toldKeyResource>;
export type KeyState = 'good' | 'rotating' | 'expired' | 'revoked';

export function keyStateOf(key: KeyView, now: number): KeyState {
  const { revokedAt, expiresAt, formerSecretEndsAt } = key;
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return 'expired';
  const isRotating = formerSecretEndsAt !== null && Date.parse(formerSecretEndsAt) > now;
  return isRotating ? 'rotating' : 'good';
}

/** The short forms, and what each stands for. */
const shortForms = {
  read: ['listeners:read', 'connections:read', 'events:read', 'nodes:read'],
  write: ['listeners:write', 'connections:write', 'nodes:write'],
} as const;

/** Those that a key of a project may have: the others are of no project. */
const ofNoProject: readonly string[] = ['metrics:read', 'operator'];

export interface ScopeChoice {
  /** What most keys are given, and what says the same in parts. */
  readonly usual: readonly string[];
  readonly parts: readonly string[];
}

/** A key gives at most what it has. */
export function scopeChoice(own: OwnProjectView['scopes']): ScopeChoice {
  const has = new Set<string>(own);
  const ofShort = new Set<string>(Object.values(shortForms).flat());
  const short = Object.entries(shortForms).filter(([, all]) => all.every((one) => has.has(one)));
  const single = own.filter((scope) => !ofNoProject.includes(scope));
  return {
    usual: [...short.map(([name]) => name), ...single.filter((scope) => !ofShort.has(scope))],
    parts: single.filter((scope) => ofShort.has(scope)),
  };
}
