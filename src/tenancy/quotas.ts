/** What a project may have of each kind: null is no bound of its own, beside those of the node. */

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
