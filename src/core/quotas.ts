/** What a project may have of each kind: null is no bound of its own, beside those of the node. */
import { AppError } from './errors.ts';
import type { ProjectLimits } from './ports.ts';
import type { ProjectRef } from './project.ts';

/** Each with what it is of. */
export const quotaWords = {
  listeners: 'Listeners that are not closed.',
  keys: 'Keys that have not ended.',
  nodes: 'Nodes of its own.',
  joinTokens: 'Join tokens that have not ended.',
  streams: 'Streams and waits at once, on each replica.',
  requestsPerSecond: 'Calls of its keys, on each replica.',
  openConnections: 'Open connections at once, on each node.',
  acceptsPerSecond: 'Connections that are accepted, on each node.',
  eventsKept: 'Older events go.',
  retentionDays: 'Older events go.',
} as const;

export type QuotaName = keyof typeof quotaWords;

export const quotaNames = Object.keys(quotaWords) as readonly QuotaName[];

export type Quotas = Readonly<Record<QuotaName, number | null>>;

export const noQuotas = Object.fromEntries(quotaNames.map((name) => [name, null])) as Quotas;

/** A quota, and what is used of it where that can be counted. */
export interface QuotaUse {
  readonly name: QuotaName;
  readonly limit: number | null;
  readonly used: number | null;
}

/** What an operator lets a project have. */
export interface ProjectTerms {
  readonly quotas: Quotas;
  /** The addresses and networks that its listeners may be bound to; null: any. */
  readonly bindHosts: readonly string[] | null;
}

export interface NamedTerms {
  readonly ref: ProjectRef;
  readonly name: string;
  readonly terms: ProjectTerms;
}

/** Of a project of which nothing else is known. */
export const noTerms: ProjectTerms = { quotas: noQuotas, bindHosts: null };

/** A quota that says nothing, or more than the node's own bound, is that bound. */
export function within(quota: number | null, bound: number): number {
  return Math.min(quota ?? bound, bound);
}

/** As the data plane takes them; null where there is no bound. */
export function connectionLimits({
  openConnections,
  acceptsPerSecond: perSecond,
}: Quotas): ProjectLimits | null {
  if (openConnections === null && perSecond === null) return null;
  return {
    maxConnections: openConnections ?? Number.MAX_SAFE_INTEGER,
    maxConnectionsPerSource: null,
    acceptRate: perSecond === null ? null : { perSecond, burst: perSecond },
  };
}

export function quotaReached(
  name: QuotaName,
  limitValue: number,
  what: string,
  retryAfterMs = 1000,
): AppError {
  const message = `at most ${limitValue} ${what}: the project's quota ${name}`;
  const limit = { limit: name, limitValue, retryAfterMs };
  return new AppError('resource_exhausted', message, limit);
}
