// Original file: proto/kodama/v1/listener.proto

import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';
import type { Address as _kodama_v1_Address, Address__Output as _kodama_v1_Address__Output } from '../../kodama/v1/Address.ts';
import type { ListenerState as _kodama_v1_ListenerState, ListenerState__Output as _kodama_v1_ListenerState__Output } from '../../kodama/v1/ListenerState.ts';
import type { ListenerReason as _kodama_v1_ListenerReason, ListenerReason__Output as _kodama_v1_ListenerReason__Output } from '../../kodama/v1/ListenerReason.ts';
import type { ListenerMode as _kodama_v1_ListenerMode, ListenerMode__Output as _kodama_v1_ListenerMode__Output } from '../../kodama/v1/ListenerMode.ts';
import type { ListenerLimits as _kodama_v1_ListenerLimits, ListenerLimits__Output as _kodama_v1_ListenerLimits__Output } from '../../kodama/v1/ListenerLimits.ts';
import type { Fault as _kodama_v1_Fault, Fault__Output as _kodama_v1_Fault__Output } from '../../kodama/v1/Fault.ts';
import type { TlsSettings as _kodama_v1_TlsSettings, TlsSettings__Output as _kodama_v1_TlsSettings__Output } from '../../kodama/v1/TlsSettings.ts';
import type { ProxyProtocol as _kodama_v1_ProxyProtocol, ProxyProtocol__Output as _kodama_v1_ProxyProtocol__Output } from '../../kodama/v1/ProxyProtocol.ts';
import type { Recording as _kodama_v1_Recording, Recording__Output as _kodama_v1_Recording__Output } from '../../kodama/v1/Recording.ts';
import type { ListeningSocket as _kodama_v1_ListeningSocket, ListeningSocket__Output as _kodama_v1_ListeningSocket__Output } from '../../kodama/v1/ListeningSocket.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface Listener {
  'id'?: (string);
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'protocol'?: (_kodama_v1_Protocol);
  'host'?: (string);
  'port'?: (number);
  'laddr'?: (_kodama_v1_Address | null);
  'state'?: (_kodama_v1_ListenerState);
  'reason'?: (_kodama_v1_ListenerReason | null);
  'mode'?: (_kodama_v1_ListenerMode);
  'limits'?: (_kodama_v1_ListenerLimits | null);
  'faults'?: (_kodama_v1_Fault)[];
  'tls'?: (_kodama_v1_TlsSettings | null);
  'proxyProtocol'?: (_kodama_v1_ProxyProtocol | null);
  'recording'?: (_kodama_v1_Recording);
  'sockets'?: (_kodama_v1_ListeningSocket)[];
  'nodeId'?: (string);
  'openConnections'?: (number | string | Long);
  'totalConnections'?: (number | string | Long);
  'createdAt'?: (_google_protobuf_Timestamp | null);
  'updatedAt'?: (_google_protobuf_Timestamp | null);
  'closedAt'?: (_google_protobuf_Timestamp | null);
  'expiresAt'?: (_google_protobuf_Timestamp | null);
  '_name'?: "name";
}

export interface Listener__Output {
  'id'?: (string);
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'protocol'?: (_kodama_v1_Protocol__Output);
  'host'?: (string);
  'port'?: (number);
  'laddr'?: (_kodama_v1_Address__Output);
  'state'?: (_kodama_v1_ListenerState__Output);
  'reason'?: (_kodama_v1_ListenerReason__Output);
  'mode'?: (_kodama_v1_ListenerMode__Output);
  'limits'?: (_kodama_v1_ListenerLimits__Output);
  'faults'?: (_kodama_v1_Fault__Output)[];
  'tls'?: (_kodama_v1_TlsSettings__Output);
  'proxyProtocol'?: (_kodama_v1_ProxyProtocol__Output);
  'recording'?: (_kodama_v1_Recording__Output);
  'sockets'?: (_kodama_v1_ListeningSocket__Output)[];
  'nodeId'?: (string);
  'openConnections'?: (string);
  'totalConnections'?: (string);
  'createdAt'?: (_google_protobuf_Timestamp__Output);
  'updatedAt'?: (_google_protobuf_Timestamp__Output);
  'closedAt'?: (_google_protobuf_Timestamp__Output);
  'expiresAt'?: (_google_protobuf_Timestamp__Output);
  '_name'?: "name";
}
