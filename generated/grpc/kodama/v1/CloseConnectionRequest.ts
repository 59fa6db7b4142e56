// Original file: proto/kodama/v1/connection_service.proto

import type { CloseMode as _kodama_v1_CloseMode, CloseMode__Output as _kodama_v1_CloseMode__Output } from '../../kodama/v1/CloseMode.ts';

export interface CloseConnectionRequest {
  'id'?: (string);
  'mode'?: (_kodama_v1_CloseMode);
}

export interface CloseConnectionRequest__Output {
  'id'?: (string);
  'mode'?: (_kodama_v1_CloseMode__Output);
}
