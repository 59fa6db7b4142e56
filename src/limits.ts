/** The limits that no variable sets, by the part of kodama that they are for; docs/limits.md says what is beyond each. */

const day = 86_400_000;

export const eventLogLimits = {
  commitEventsMax: 4000,
  commitBytesMax: 4_194_304,
  commitProjectsMax: 256,
  gatherMs: 10,
  gatherEventsMax: 500,
  ringEventsMax: 20_000,
  ringBytesMax: 67_108_864,
  logsMax: 200,
  pageEventsMax: 1000,
  commandsMax: 10_000,
  commandsBytesMax: 67_108_864,
  commandTimeoutMs: 5000,
  retryMinMs: 50,
  retryMaxMs: 1000,
};

/** Of each worker. */
export const dataPlaneLimits = {
  recordBatchMax: 1000,
  recordsUnackedMax: 20_000,
  countersIntervalMs: 3000,
  firstCountersMs: 500,
  refusalsPerSecondMax: 100,
  faultHeldBytesMax: 1_048_576,
  faultHeldBytesTotalMax: 67_108_864,
  faultTurnMs: 2,
  roundTurnMs: 2,
  preamblesMax: 4096,
  preamblePatienceMs: 1000,
  preambleTimeoutMs: 10_000,
  // Long enough for a first segment that is lost and sent again (proxy-protocol.txt, section 2).
  optionalHeaderWaitMs: 3000,
  // A hello with keys for after quantum computers and a ticket, and a chain of four with RSA keys of 4,096 bits.
  tlsHandshakeBytesMax: 16_384,
  tlsAnswerBytesMax: 262_144,
  tlsAnswerLookMs: 1000,
  resetLookMs: 250,
  lingerMs: 1000,
  udpSessionsMax: 100_000,
  udpDatagramsPerSecondMax: 20_000,
  udpDatagramsBurstMax: 2000,
  udpBytesPerSecondMax: 33_554_432,
  udpBytesBurstMax: 8_388_608,
  udpLoopWindowMs: 500,
  udpLoopReturnsMax: 1000,
  udpWildcardTurnMax: 64,
  udpHeldBytesMax: 1_048_576,
  udpHeldBytesTotalMax: 67_108_864,
  udpSendQueueBytesMax: 4_194_304,
  udpSendQueueBytesTotalMax: 67_108_864,
  semiSpaceBytesMax: 8_388_608,
  requestTimeoutMs: 10_000,
  restartMinMs: 50,
  restartMaxMs: 5000,
  rebindMinMs: 250,
  rebindMaxMs: 10_000,
  rebindsAtOnceMax: 64,
};

export const httpLimits = {
  bodyBytesMax: 1_048_576,
  bodyDepthMax: 32,
  bodyPartsMax: 32_768,
  bodyEntriesMax: 1024,
  bodyBytesArrivingMax: 67_108_864,
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 30_000,
  connectionsMax: 4096,
  requestsPerConnectionMax: 16,
  answerBytesWaitingMax: 268_435_456,
  responseWriteTimeoutMs: 60_000,
  streamWriteTimeoutMs: 60_000,
  outageLinesPerSecondMax: 5,
  stopTimeoutMs: 2000,
};

/** Of projects and their keys. */
export const tenancyLimits = {
  projectsMax: 1000,
  keysMax: 10_000,
  endedKeyTtlMs: 30 * day,
  keyTtlMs: 10_000,
  unknownKeyTtlMs: 1000,
  rememberedKeysMax: 10_000,
  metricsKeyTtlMs: 3_600_000,
  metricsKeysMax: 16,
  failedKeysPerSecond: 10,
  failedKeyAddressesMax: 10_000,
  keyUseIntervalMs: 60_000,
  upkeepIntervalMs: 60_000,
  removalIntervalMs: 1000,
  removalRowsMax: 5000,
  refusalIntervalMs: 60_000,
  refusalsMax: 10_000,
  refusalsPerProjectMax: 100,
  auditAgeMs: 400 * day,
  auditEntriesMax: 1_000_000,
  auditCountIntervalMs: 3_600_000,
  auditPurgeMax: 5000,
};

/** Of lists that are longer than what is looked at in one turn of the loop. */
export const longPageLimits = { longPagesPerProjectMax: 2, longPageWaitMs: 30_000 };

/** Of calls of several projects at once. */
export const callLineLimits = {
  callsPerProjectMax: 2,
  callPlaceMs: 50,
  callWaitMs: 10_000,
};

export const idempotencyLimits = {
  idempotencyTtlMs: day,
  idempotencyRunTimeoutMs: 60_000,
  idempotencyKeysMax: 100_000,
  idempotencyAnswerBytesMax: 268_435_456,
};

export const grpcLimits = {
  messageBytesMax: 1_048_576,
  connectionsMax: 4096,
  callsPerConnectionMax: 100,
  callsPerMethodMax: 4096,
  reflectionStreamsMax: 256,
  reflectionQuestionBytesMax: 4096,
  requestsArrivingMax: 256,
  requestTimeoutMs: 30_000,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  idleConnectionMs: 300_000,
  answerBytesWaitingMax: 268_435_456,
  streamWriteTimeoutMs: 60_000,
  streamWriteBytesMax: 65_536,
  framesKept: 20_000,
  framesKeptBytesMax: 10_485_760,
  outageLinesPerSecondMax: 5,
  healthIntervalMs: 1000,
  stopTimeoutMs: 2000,
};

/** Of both sides of a session of a node. */
const frameLimits = {
  frameRecordsMax: 1000,
  frameBytesMax: 1_048_576,
  recordFramesMax: 8,
  keepaliveIntervalMs: 20_000,
  keepaliveTimeoutMs: 10_000,
};

/** Of the agents' door. */
export const gatewayLimits = {
  ...frameLimits,
  connectionsMax: 2048,
  sessionsMax: 1000,
  handshakesMax: 64,
  helloTimeoutMs: 5000,
  refusedLinesPerSecondMax: 5,
  idleConnectionMs: 30_000,
  joinsPerSecond: 10,
  joinsArrivingMax: 64,
  joinAddressesMax: 10_000,
  claimsPerSecond: 20,
  framesPerSecond: 10_000,
  frameBytesPerSecond: 16_777_216,
  nodeRatesMax: 4000,
  observedPerSecond: 500,
  observedBurstMax: 10_000,
  observedEveryMs: 1000,
  sessionsPerMinute: 30,
  beatsUnansweredMax: 16,
  streamHeldBytesMax: 33_554_432,
  commandTimeoutMs: 5000,
  closeTimeoutMs: 5000,
  heartbeatMs: 5000,
  sessionMs: 1_800_000,
  comeBackMs: 5000,
  unknownRetryAfterMs: 60_000,
  stopTimeoutMs: 2000,
};

/** Of an agent. */
export const agentLimits = {
  ...frameLimits,
  spoolRecordsMax: 200_000,
  spoolSlowMs: 250,
  holdMs: 30_000,
  welcomeTimeoutMs: 20_000,
  answerTimeoutMs: 20_000,
  leaseMarginMs: 5000,
  leaseTimeoutMs: 15_000,
  unstoredTimeoutMs: 10_000,
  redialMinMs: 1000,
  redialMaxMs: 30_000,
};

/** Of both edges, each by itself; files are read for both. */
export const tlsLimits = {
  handshakesMax: 1024,
  handshakeTimeoutMs: 10_000,
  handshakesPerSecond: 100,
  handshakeAddressesMax: 10_000,
  tlsAnswerBytesMax: 262_144,
  tlsAnswerLookMs: 1000,
  readIntervalMs: 5000,
  fileBytesMax: 1_048_576,
};

/** Of what people read. */
export const logLineLimits = {
  connectionsPerSecondMax: 20,
  listenersPerSecondMax: 20,
  bannerListenersMax: 20,
  restoredKeysMax: 100,
};

/** At most so many proxies stand one behind the other. */
export const forwardingLimits = { hopsMax: 32 };

/** Of nodes on other hosts, and of the tokens by which they join. */
export const fleetLimits = {
  nodesMax: 2000,
  projectNodesMax: 50,
  joinTokensMax: 100,
  joinTokensKeptMax: 10_000,
  /** How long who asks something of a node that another replica has waits. */
  commandTimeoutMs: 10_000,
  /** Of those that wait for an answer, and that are run for others at once. */
  commandsMax: 1000,
  commandsPerProjectMax: 100,
  commandPollMs: 2000,
  nodeListenersMax: 10_000,
  nodeConnectionsMax: 200_000,
  fleetConnectionsMax: 500_000,
  crowdedRetryAfterMs: 30_000,
  beatsEveryMs: 1000,
  wishWaitMs: 5000,
  retryAfterMs: 1000,
  sweepEveryMs: 5000,
  nodelessSweepMs: 60_000,
  missedSweeps: 3,
  brakeFrom: 3,
  expiredAtOnceMax: 1000,
};
