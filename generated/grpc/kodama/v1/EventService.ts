// Original file: proto/kodama/v1/event_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListEventsRequest as _kodama_v1_ListEventsRequest, ListEventsRequest__Output as _kodama_v1_ListEventsRequest__Output } from '../../kodama/v1/ListEventsRequest.ts';
import type { ListEventsResponse as _kodama_v1_ListEventsResponse, ListEventsResponse__Output as _kodama_v1_ListEventsResponse__Output } from '../../kodama/v1/ListEventsResponse.ts';
import type { StreamEventsRequest as _kodama_v1_StreamEventsRequest, StreamEventsRequest__Output as _kodama_v1_StreamEventsRequest__Output } from '../../kodama/v1/StreamEventsRequest.ts';
import type { StreamEventsResponse as _kodama_v1_StreamEventsResponse, StreamEventsResponse__Output as _kodama_v1_StreamEventsResponse__Output } from '../../kodama/v1/StreamEventsResponse.ts';

export interface EventServiceClient extends grpc.Client {
  ListEvents(argument: _kodama_v1_ListEventsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  ListEvents(argument: _kodama_v1_ListEventsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  ListEvents(argument: _kodama_v1_ListEventsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  ListEvents(argument: _kodama_v1_ListEventsRequest, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  listEvents(argument: _kodama_v1_ListEventsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  listEvents(argument: _kodama_v1_ListEventsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  listEvents(argument: _kodama_v1_ListEventsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  listEvents(argument: _kodama_v1_ListEventsRequest, callback: grpc.requestCallback<_kodama_v1_ListEventsResponse__Output>): grpc.ClientUnaryCall;
  
  StreamEvents(argument: _kodama_v1_StreamEventsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_kodama_v1_StreamEventsResponse__Output>;
  StreamEvents(argument: _kodama_v1_StreamEventsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_kodama_v1_StreamEventsResponse__Output>;
  streamEvents(argument: _kodama_v1_StreamEventsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_kodama_v1_StreamEventsResponse__Output>;
  streamEvents(argument: _kodama_v1_StreamEventsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_kodama_v1_StreamEventsResponse__Output>;
  
}

export interface EventServiceHandlers extends grpc.UntypedServiceImplementation {
  ListEvents: grpc.handleUnaryCall<_kodama_v1_ListEventsRequest__Output, _kodama_v1_ListEventsResponse>;
  
  StreamEvents: grpc.handleServerStreamingCall<_kodama_v1_StreamEventsRequest__Output, _kodama_v1_StreamEventsResponse>;
  
}

export interface EventServiceDefinition extends grpc.ServiceDefinition {
  ListEvents: MethodDefinition<_kodama_v1_ListEventsRequest, _kodama_v1_ListEventsResponse, _kodama_v1_ListEventsRequest__Output, _kodama_v1_ListEventsResponse__Output>
  StreamEvents: MethodDefinition<_kodama_v1_StreamEventsRequest, _kodama_v1_StreamEventsResponse, _kodama_v1_StreamEventsRequest__Output, _kodama_v1_StreamEventsResponse__Output>
}
