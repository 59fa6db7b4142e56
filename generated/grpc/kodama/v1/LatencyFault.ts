// Original file: proto/kodama/v1/fault.proto

import type { LatencyDistribution as _kodama_v1_LatencyDistribution, LatencyDistribution__Output as _kodama_v1_LatencyDistribution__Output } from '../../kodama/v1/LatencyDistribution.ts';

export interface LatencyFault {
  'delayMs'?: (number);
  'jitterMs'?: (number);
  'distribution'?: (_kodama_v1_LatencyDistribution);
  '_delayMs'?: "delayMs";
  '_jitterMs'?: "jitterMs";
}

export interface LatencyFault__Output {
  'delayMs'?: (number);
  'jitterMs'?: (number);
  'distribution'?: (_kodama_v1_LatencyDistribution__Output);
  '_delayMs'?: "delayMs";
  '_jitterMs'?: "jitterMs";
}
