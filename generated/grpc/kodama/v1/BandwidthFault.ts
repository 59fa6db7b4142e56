// Original file: proto/kodama/v1/fault.proto

import type { BandwidthScope as _kodama_v1_BandwidthScope, BandwidthScope__Output as _kodama_v1_BandwidthScope__Output } from '../../kodama/v1/BandwidthScope.ts';
import type { Long } from '@grpc/proto-loader';

export interface BandwidthFault {
  'bytesPerSecond'?: (number | string | Long);
  'scope'?: (_kodama_v1_BandwidthScope);
  '_bytesPerSecond'?: "bytesPerSecond";
}

export interface BandwidthFault__Output {
  'bytesPerSecond'?: (string);
  'scope'?: (_kodama_v1_BandwidthScope__Output);
  '_bytesPerSecond'?: "bytesPerSecond";
}
