/** What the store asks of the database at once, and how long it waits for it. */
export const storeLimits = {
  connectTimeoutMs: 5000,
  statementTimeoutMs: 10_000,
  openTimeoutMs: 30_000,
  readConnectionsMax: 8,
  keptPlansMax: 64,
  closedNamesMax: 4096,
  unsettledKeysMax: 4096,
  readsPerProjectMax: 4,
  longReadsPerProjectMax: 2,
  longReadWaitMs: 30_000,
  prismaConnectionsMax: 4,
  prismaPerProjectMax: 2,
  answerRowsMax: 100,
  newestSeqsMax: 2_000_000,
  pollMs: 2000,
  wakeMs: 5,
};
