// Original file: proto/kodama/v1/listener_service.proto

import type { CreateListenerRequest as _kodama_v1_CreateListenerRequest, CreateListenerRequest__Output as _kodama_v1_CreateListenerRequest__Output } from '../../kodama/v1/CreateListenerRequest.ts';
import type { PortRange as _kodama_v1_PortRange, PortRange__Output as _kodama_v1_PortRange__Output } from '../../kodama/v1/PortRange.ts';

export interface BatchCreateListenersRequest {
  'listeners'?: (_kodama_v1_CreateListenerRequest)[];
  'ports'?: (_kodama_v1_PortRange | null);
  'each'?: (_kodama_v1_CreateListenerRequest | null);
}

export interface BatchCreateListenersRequest__Output {
  'listeners'?: (_kodama_v1_CreateListenerRequest__Output)[];
  'ports'?: (_kodama_v1_PortRange__Output);
  'each'?: (_kodama_v1_CreateListenerRequest__Output);
}
