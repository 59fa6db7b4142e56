// Original file: proto/kodama/v1/event_service.proto

import type { EventType as _kodama_v1_EventType, EventType__Output as _kodama_v1_EventType__Output } from '../../kodama/v1/EventType.ts';
import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';

export interface EventFilter {
  'listenerIds'?: (string)[];
  'connectionIds'?: (string)[];
  'types'?: (_kodama_v1_EventType)[];
  'protocols'?: (_kodama_v1_Protocol)[];
  'remoteCidrs'?: (string)[];
  'listeners'?: (string)[];
  'labels'?: ({[key: string]: string});
}

export interface EventFilter__Output {
  'listenerIds'?: (string)[];
  'connectionIds'?: (string)[];
  'types'?: (_kodama_v1_EventType__Output)[];
  'protocols'?: (_kodama_v1_Protocol__Output)[];
  'remoteCidrs'?: (string)[];
  'listeners'?: (string)[];
  'labels'?: ({[key: string]: string});
}
