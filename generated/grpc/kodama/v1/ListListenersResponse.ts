// Original file: proto/kodama/v1/listener_service.proto

import type { Listener as _kodama_v1_Listener, Listener__Output as _kodama_v1_Listener__Output } from '../../kodama/v1/Listener.ts';

export interface ListListenersResponse {
  'listeners'?: (_kodama_v1_Listener)[];
  'nextPageToken'?: (string);
}

export interface ListListenersResponse__Output {
  'listeners'?: (_kodama_v1_Listener__Output)[];
  'nextPageToken'?: (string);
}
