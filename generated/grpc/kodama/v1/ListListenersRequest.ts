// Original file: proto/kodama/v1/listener_service.proto

import type { ListenerState as _kodama_v1_ListenerState, ListenerState__Output as _kodama_v1_ListenerState__Output } from '../../kodama/v1/ListenerState.ts';
import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';

export interface ListListenersRequest {
  'state'?: (_kodama_v1_ListenerState);
  'protocol'?: (_kodama_v1_Protocol);
  'port'?: (number);
  'labels'?: ({[key: string]: string});
  'pageSize'?: (number);
  'pageToken'?: (string);
  'name'?: (string);
  '_port'?: "port";
  '_pageSize'?: "pageSize";
  '_name'?: "name";
}

export interface ListListenersRequest__Output {
  'state'?: (_kodama_v1_ListenerState__Output);
  'protocol'?: (_kodama_v1_Protocol__Output);
  'port'?: (number);
  'labels'?: ({[key: string]: string});
  'pageSize'?: (number);
  'pageToken'?: (string);
  'name'?: (string);
  '_port'?: "port";
  '_pageSize'?: "pageSize";
  '_name'?: "name";
}
