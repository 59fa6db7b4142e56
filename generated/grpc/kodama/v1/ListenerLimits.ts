// Original file: proto/kodama/v1/listener.proto

import type { AcceptRate as _kodama_v1_AcceptRate, AcceptRate__Output as _kodama_v1_AcceptRate__Output } from '../../kodama/v1/AcceptRate.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListenerLimits {
  'maxConnections'?: (number);
  'maxConnectionsPerSource'?: (number);
  'acceptRate'?: (_kodama_v1_AcceptRate | null);
  'idleTimeoutMs'?: (number);
  'maxDurationMs'?: (number);
  'maxBytes'?: (number | string | Long);
  'writeTimeoutMs'?: (number);
  'udpIdleTimeoutMs'?: (number);
  'allowCidrs'?: (string)[];
  'denyCidrs'?: (string)[];
  '_maxConnections'?: "maxConnections";
  '_maxConnectionsPerSource'?: "maxConnectionsPerSource";
  '_idleTimeoutMs'?: "idleTimeoutMs";
  '_maxDurationMs'?: "maxDurationMs";
  '_maxBytes'?: "maxBytes";
  '_writeTimeoutMs'?: "writeTimeoutMs";
  '_udpIdleTimeoutMs'?: "udpIdleTimeoutMs";
}

export interface ListenerLimits__Output {
  'maxConnections'?: (number);
  'maxConnectionsPerSource'?: (number);
  'acceptRate'?: (_kodama_v1_AcceptRate__Output);
  'idleTimeoutMs'?: (number);
  'maxDurationMs'?: (number);
  'maxBytes'?: (string);
  'writeTimeoutMs'?: (number);
  'udpIdleTimeoutMs'?: (number);
  'allowCidrs'?: (string)[];
  'denyCidrs'?: (string)[];
  '_maxConnections'?: "maxConnections";
  '_maxConnectionsPerSource'?: "maxConnectionsPerSource";
  '_idleTimeoutMs'?: "idleTimeoutMs";
  '_maxDurationMs'?: "maxDurationMs";
  '_maxBytes'?: "maxBytes";
  '_writeTimeoutMs'?: "writeTimeoutMs";
  '_udpIdleTimeoutMs'?: "udpIdleTimeoutMs";
}
