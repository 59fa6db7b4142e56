/** What bounds agents at the gateway; config.ts has the values. */
import type { RowLimits } from '../wire/record-frames.ts';
import type { NodeRateLimits } from './node-rates.ts';
import type { ReadRates } from './read-pace.ts';

export interface GatewayLimits extends RowLimits, NodeRateLimits, ReadRates {
  readonly connectionsMax: number;
  readonly sessionsMax: number;
  /** Sessions that have begun and whose node is not known yet. */
  readonly handshakesMax: number;
  readonly helloTimeoutMs: number;
  /** Of the log, about sessions that are refused. */
  readonly refusedLinesPerSecondMax: number;
  /** How long a connection may have no session. */
  readonly idleConnectionMs: number;
  /** For each address. */
  readonly joinsPerSecond: number;
  readonly joinAddressesMax: number;
  /** From one address: who says which node it is, and does not show its key. */
  readonly claimsPerSecond: number;
  /** Joins whose request is not there yet. */
  readonly joinsArrivingMax: number;
  /** Frames of records that are not on record yet. */
  readonly recordFramesMax: number;
  /** Between two changes of a listener that are passed on. */
  readonly observedEveryMs: number;
  readonly beatsUnansweredMax: number;
  /** Of frames that the agent does not take. */
  readonly streamHeldBytesMax: number;
  readonly commandTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly heartbeatMs: number;
  /** About how long a session goes on, so that agents spread over the replicas. */
  readonly sessionMs: number;
  /** Those of a replica that stops, or that refuses, come back within this time. */
  readonly comeBackMs: number;
  /** When an agent comes again whose node is not on record, about. */
  readonly unknownRetryAfterMs: number;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly stopTimeoutMs: number;
}
