// Original file: proto/kodama/v1/event_service.proto

import type { EventFilter as _kodama_v1_EventFilter, EventFilter__Output as _kodama_v1_EventFilter__Output } from '../../kodama/v1/EventFilter.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListEventsRequest {
  'afterSeq'?: (number | string | Long);
  'filter'?: (_kodama_v1_EventFilter | null);
  'pageSize'?: (number);
  'pageToken'?: (string);
  '_afterSeq'?: "afterSeq";
  '_pageSize'?: "pageSize";
}

export interface ListEventsRequest__Output {
  'afterSeq'?: (string);
  'filter'?: (_kodama_v1_EventFilter__Output);
  'pageSize'?: (number);
  'pageToken'?: (string);
  '_afterSeq'?: "afterSeq";
  '_pageSize'?: "pageSize";
}
