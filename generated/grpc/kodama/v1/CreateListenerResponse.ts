// Original file: proto/kodama/v1/listener_service.proto

import type { Listener as _kodama_v1_Listener, Listener__Output as _kodama_v1_Listener__Output } from '../../kodama/v1/Listener.ts';

export interface CreateListenerResponse {
  'listener'?: (_kodama_v1_Listener | null);
}

export interface CreateListenerResponse__Output {
  'listener'?: (_kodama_v1_Listener__Output);
}
