// Original file: proto/kodama/v1/fault.proto

import type { LimitAction as _kodama_v1_LimitAction, LimitAction__Output as _kodama_v1_LimitAction__Output } from '../../kodama/v1/LimitAction.ts';
import type { Long } from '@grpc/proto-loader';

export interface LimitFault {
  'bytes'?: (number | string | Long);
  'action'?: (_kodama_v1_LimitAction);
  '_bytes'?: "bytes";
}

export interface LimitFault__Output {
  'bytes'?: (string);
  'action'?: (_kodama_v1_LimitAction__Output);
  '_bytes'?: "bytes";
}
