// Original file: proto/kodama/v1/connection.proto

import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';
import type { Address as _kodama_v1_Address, Address__Output as _kodama_v1_Address__Output } from '../../kodama/v1/Address.ts';
import type { ConnectionState as _kodama_v1_ConnectionState, ConnectionState__Output as _kodama_v1_ConnectionState__Output } from '../../kodama/v1/ConnectionState.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { CloseInitiator as _kodama_v1_CloseInitiator, CloseInitiator__Output as _kodama_v1_CloseInitiator__Output } from '../../kodama/v1/CloseInitiator.ts';
import type { CloseReason as _kodama_v1_CloseReason, CloseReason__Output as _kodama_v1_CloseReason__Output } from '../../kodama/v1/CloseReason.ts';
import type { TlsInfo as _kodama_v1_TlsInfo, TlsInfo__Output as _kodama_v1_TlsInfo__Output } from '../../kodama/v1/TlsInfo.ts';
import type { Long } from '@grpc/proto-loader';

export interface Connection {
  'id'?: (string);
  'listenerId'?: (string);
  'nodeId'?: (string);
  'protocol'?: (_kodama_v1_Protocol);
  'laddr'?: (_kodama_v1_Address | null);
  'raddr'?: (_kodama_v1_Address | null);
  'declaredRaddr'?: (_kodama_v1_Address | null);
  'pid'?: (number);
  'fd'?: (number);
  'state'?: (_kodama_v1_ConnectionState);
  'acceptedAt'?: (_google_protobuf_Timestamp | null);
  'firstByteAt'?: (_google_protobuf_Timestamp | null);
  'halfClosedAt'?: (_google_protobuf_Timestamp | null);
  'closedAt'?: (_google_protobuf_Timestamp | null);
  'bytesIn'?: (number | string | Long);
  'bytesOut'?: (number | string | Long);
  'closeInitiator'?: (_kodama_v1_CloseInitiator);
  'closeReason'?: (_kodama_v1_CloseReason);
  'error'?: (string);
  'tls'?: (_kodama_v1_TlsInfo | null);
  'listenerName'?: (string);
  '_error'?: "error";
  '_listenerName'?: "listenerName";
}

export interface Connection__Output {
  'id'?: (string);
  'listenerId'?: (string);
  'nodeId'?: (string);
  'protocol'?: (_kodama_v1_Protocol__Output);
  'laddr'?: (_kodama_v1_Address__Output);
  'raddr'?: (_kodama_v1_Address__Output);
  'declaredRaddr'?: (_kodama_v1_Address__Output);
  'pid'?: (number);
  'fd'?: (number);
  'state'?: (_kodama_v1_ConnectionState__Output);
  'acceptedAt'?: (_google_protobuf_Timestamp__Output);
  'firstByteAt'?: (_google_protobuf_Timestamp__Output);
  'halfClosedAt'?: (_google_protobuf_Timestamp__Output);
  'closedAt'?: (_google_protobuf_Timestamp__Output);
  'bytesIn'?: (string);
  'bytesOut'?: (string);
  'closeInitiator'?: (_kodama_v1_CloseInitiator__Output);
  'closeReason'?: (_kodama_v1_CloseReason__Output);
  'error'?: (string);
  'tls'?: (_kodama_v1_TlsInfo__Output);
  'listenerName'?: (string);
  '_error'?: "error";
  '_listenerName'?: "listenerName";
}
