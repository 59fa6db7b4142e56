// Original file: proto/kodama/v1/listener_service.proto

import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';
import type { ListenerMode as _kodama_v1_ListenerMode, ListenerMode__Output as _kodama_v1_ListenerMode__Output } from '../../kodama/v1/ListenerMode.ts';
import type { ListenerLimits as _kodama_v1_ListenerLimits, ListenerLimits__Output as _kodama_v1_ListenerLimits__Output } from '../../kodama/v1/ListenerLimits.ts';
import type { Fault as _kodama_v1_Fault, Fault__Output as _kodama_v1_Fault__Output } from '../../kodama/v1/Fault.ts';
import type { NewTls as _kodama_v1_NewTls, NewTls__Output as _kodama_v1_NewTls__Output } from '../../kodama/v1/NewTls.ts';
import type { ProxyProtocol as _kodama_v1_ProxyProtocol, ProxyProtocol__Output as _kodama_v1_ProxyProtocol__Output } from '../../kodama/v1/ProxyProtocol.ts';
import type { Recording as _kodama_v1_Recording, Recording__Output as _kodama_v1_Recording__Output } from '../../kodama/v1/Recording.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { Long } from '@grpc/proto-loader';

export interface CreateListenerRequest {
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'protocol'?: (_kodama_v1_Protocol);
  'host'?: (string);
  'port'?: (number);
  'mode'?: (_kodama_v1_ListenerMode);
  'limits'?: (_kodama_v1_ListenerLimits | null);
  'faults'?: (_kodama_v1_Fault)[];
  'tls'?: (_kodama_v1_NewTls | null);
  'proxyProtocol'?: (_kodama_v1_ProxyProtocol | null);
  'recording'?: (_kodama_v1_Recording);
  'expiresAt'?: (_google_protobuf_Timestamp | null);
  'ttlMs'?: (number | string | Long);
  '_name'?: "name";
  '_host'?: "host";
  '_ttlMs'?: "ttlMs";
}

export interface CreateListenerRequest__Output {
  'name'?: (string);
  'labels'?: ({[key: string]: string});
  'protocol'?: (_kodama_v1_Protocol__Output);
  'host'?: (string);
  'port'?: (number);
  'mode'?: (_kodama_v1_ListenerMode__Output);
  'limits'?: (_kodama_v1_ListenerLimits__Output);
  'faults'?: (_kodama_v1_Fault__Output)[];
  'tls'?: (_kodama_v1_NewTls__Output);
  'proxyProtocol'?: (_kodama_v1_ProxyProtocol__Output);
  'recording'?: (_kodama_v1_Recording__Output);
  'expiresAt'?: (_google_protobuf_Timestamp__Output);
  'ttlMs'?: (string);
  '_name'?: "name";
  '_host'?: "host";
  '_ttlMs'?: "ttlMs";
}
