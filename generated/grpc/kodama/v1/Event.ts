// Original file: proto/kodama/v1/event.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { EventType as _kodama_v1_EventType, EventType__Output as _kodama_v1_EventType__Output } from '../../kodama/v1/EventType.ts';
import type { Listener as _kodama_v1_Listener, Listener__Output as _kodama_v1_Listener__Output } from '../../kodama/v1/Listener.ts';
import type { Connection as _kodama_v1_Connection, Connection__Output as _kodama_v1_Connection__Output } from '../../kodama/v1/Connection.ts';
import type { Refusal as _kodama_v1_Refusal, Refusal__Output as _kodama_v1_Refusal__Output } from '../../kodama/v1/Refusal.ts';
import type { Long } from '@grpc/proto-loader';

export interface Event {
  'seq'?: (number | string | Long);
  'time'?: (_google_protobuf_Timestamp | null);
  'type'?: (_kodama_v1_EventType);
  'listenerId'?: (string);
  'connectionId'?: (string);
  'listener'?: (_kodama_v1_Listener | null);
  'connection'?: (_kodama_v1_Connection | null);
  'refusal'?: (_kodama_v1_Refusal | null);
  '_connectionId'?: "connectionId";
  'subject'?: "listener"|"connection"|"refusal";
}

export interface Event__Output {
  'seq'?: (string);
  'time'?: (_google_protobuf_Timestamp__Output);
  'type'?: (_kodama_v1_EventType__Output);
  'listenerId'?: (string);
  'connectionId'?: (string);
  'listener'?: (_kodama_v1_Listener__Output);
  'connection'?: (_kodama_v1_Connection__Output);
  'refusal'?: (_kodama_v1_Refusal__Output);
  '_connectionId'?: "connectionId";
  'subject'?: "listener"|"connection"|"refusal";
}
