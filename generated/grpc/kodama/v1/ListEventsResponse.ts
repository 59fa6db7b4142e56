// Original file: proto/kodama/v1/event_service.proto

import type { Event as _kodama_v1_Event, Event__Output as _kodama_v1_Event__Output } from '../../kodama/v1/Event.ts';

export interface ListEventsResponse {
  'events'?: (_kodama_v1_Event)[];
  'nextPageToken'?: (string);
}

export interface ListEventsResponse__Output {
  'events'?: (_kodama_v1_Event__Output)[];
  'nextPageToken'?: (string);
}
