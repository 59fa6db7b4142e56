// Original file: proto/kodama/v1/fault.proto

import type { CloseFaultMode as _kodama_v1_CloseFaultMode, CloseFaultMode__Output as _kodama_v1_CloseFaultMode__Output } from '../../kodama/v1/CloseFaultMode.ts';
import type { Long } from '@grpc/proto-loader';

export interface CloseFault {
  'afterMs'?: (number);
  'afterBytes'?: (number | string | Long);
  'afterMessages'?: (number);
  'mode'?: (_kodama_v1_CloseFaultMode);
  '_afterMs'?: "afterMs";
  '_afterBytes'?: "afterBytes";
  '_afterMessages'?: "afterMessages";
}

export interface CloseFault__Output {
  'afterMs'?: (number);
  'afterBytes'?: (string);
  'afterMessages'?: (number);
  'mode'?: (_kodama_v1_CloseFaultMode__Output);
  '_afterMs'?: "afterMs";
  '_afterBytes'?: "afterBytes";
  '_afterMessages'?: "afterMessages";
}
