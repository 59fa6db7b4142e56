// Original file: proto/kodama/v1/event_service.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { EventFilter as _kodama_v1_EventFilter, EventFilter__Output as _kodama_v1_EventFilter__Output } from '../../kodama/v1/EventFilter.ts';
import type { Duration as _google_protobuf_Duration, Duration__Output as _google_protobuf_Duration__Output } from '../../google/protobuf/Duration.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamEventsRequest {
  'afterSeq'?: (number | string | Long);
  'since'?: (_google_protobuf_Timestamp | null);
  'last'?: (number);
  'fromNow'?: (boolean);
  'filter'?: (_kodama_v1_EventFilter | null);
  'endAtHead'?: (boolean);
  'heartbeatInterval'?: (_google_protobuf_Duration | null);
  'start'?: "afterSeq"|"since"|"last"|"fromNow";
}

export interface StreamEventsRequest__Output {
  'afterSeq'?: (string);
  'since'?: (_google_protobuf_Timestamp__Output);
  'last'?: (number);
  'fromNow'?: (boolean);
  'filter'?: (_kodama_v1_EventFilter__Output);
  'endAtHead'?: (boolean);
  'heartbeatInterval'?: (_google_protobuf_Duration__Output);
  'start'?: "afterSeq"|"since"|"last"|"fromNow";
}
