// Original file: proto/kodama/v1/event_service.proto

import type { EventFilter as _kodama_v1_EventFilter, EventFilter__Output as _kodama_v1_EventFilter__Output } from '../../kodama/v1/EventFilter.ts';
import type { EventOrder as _kodama_v1_EventOrder, EventOrder__Output as _kodama_v1_EventOrder__Output } from '../../kodama/v1/EventOrder.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListEventsRequest {
  'afterSeq'?: (number | string | Long);
  'filter'?: (_kodama_v1_EventFilter | null);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'last'?: (number);
  'order'?: (_kodama_v1_EventOrder);
  '_afterSeq'?: "afterSeq";
  '_pageSize'?: "pageSize";
  '_last'?: "last";
}

export interface ListEventsRequest__Output {
  'afterSeq'?: (string);
  'filter'?: (_kodama_v1_EventFilter__Output);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'last'?: (number);
  'order'?: (_kodama_v1_EventOrder__Output);
  '_afterSeq'?: "afterSeq";
  '_pageSize'?: "pageSize";
  '_last'?: "last";
}
