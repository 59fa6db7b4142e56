// Original file: proto/kodama/v1/listener_service.proto

import type { ListenerLimits as _kodama_v1_ListenerLimits, ListenerLimits__Output as _kodama_v1_ListenerLimits__Output } from '../../kodama/v1/ListenerLimits.ts';
import type { Fault as _kodama_v1_Fault, Fault__Output as _kodama_v1_Fault__Output } from '../../kodama/v1/Fault.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { FieldMask as _google_protobuf_FieldMask, FieldMask__Output as _google_protobuf_FieldMask__Output } from '../../google/protobuf/FieldMask.ts';
import type { Long } from '@grpc/proto-loader';

export interface UpdateListenerRequest {
  'id'?: (string);
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'limits'?: (_kodama_v1_ListenerLimits | null);
  'faults'?: (_kodama_v1_Fault)[];
  'expiresAt'?: (_google_protobuf_Timestamp | null);
  'ttlMs'?: (number | string | Long);
  'updateMask'?: (_google_protobuf_FieldMask | null);
  '_name'?: "name";
  '_ttlMs'?: "ttlMs";
}

export interface UpdateListenerRequest__Output {
  'id'?: (string);
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'limits'?: (_kodama_v1_ListenerLimits__Output);
  'faults'?: (_kodama_v1_Fault__Output)[];
  'expiresAt'?: (_google_protobuf_Timestamp__Output);
  'ttlMs'?: (string);
  'updateMask'?: (_google_protobuf_FieldMask__Output);
  '_name'?: "name";
  '_ttlMs'?: "ttlMs";
}
