// Original file: proto/kodama/v1/connection_service.proto

import type { ConnectionState as _kodama_v1_ConnectionState, ConnectionState__Output as _kodama_v1_ConnectionState__Output } from '../../kodama/v1/ConnectionState.ts';
import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';
import type { CloseReason as _kodama_v1_CloseReason, CloseReason__Output as _kodama_v1_CloseReason__Output } from '../../kodama/v1/CloseReason.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

export interface ListConnectionsRequest {
  'listener'?: (string);
  'state'?: (_kodama_v1_ConnectionState);
  'protocol'?: (_kodama_v1_Protocol);
  'raddr'?: (string);
  'lport'?: (number);
  'closeReason'?: (_kodama_v1_CloseReason);
  'acceptedAfter'?: (_google_protobuf_Timestamp | null);
  'acceptedBefore'?: (_google_protobuf_Timestamp | null);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'labels'?: ({[key: string]: string});
  '_listener'?: "listener";
  '_raddr'?: "raddr";
  '_lport'?: "lport";
  '_pageSize'?: "pageSize";
}

export interface ListConnectionsRequest__Output {
  'listener'?: (string);
  'state'?: (_kodama_v1_ConnectionState__Output);
  'protocol'?: (_kodama_v1_Protocol__Output);
  'raddr'?: (string);
  'lport'?: (number);
  'closeReason'?: (_kodama_v1_CloseReason__Output);
  'acceptedAfter'?: (_google_protobuf_Timestamp__Output);
  'acceptedBefore'?: (_google_protobuf_Timestamp__Output);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'labels'?: ({[key: string]: string});
  '_listener'?: "listener";
  '_raddr'?: "raddr";
  '_lport'?: "lport";
  '_pageSize'?: "pageSize";
}
