// Original file: proto/kodama/v1/connection_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CloseConnectionRequest as _kodama_v1_CloseConnectionRequest, CloseConnectionRequest__Output as _kodama_v1_CloseConnectionRequest__Output } from '../../kodama/v1/CloseConnectionRequest.ts';
import type { CloseConnectionResponse as _kodama_v1_CloseConnectionResponse, CloseConnectionResponse__Output as _kodama_v1_CloseConnectionResponse__Output } from '../../kodama/v1/CloseConnectionResponse.ts';
import type { GetConnectionRequest as _kodama_v1_GetConnectionRequest, GetConnectionRequest__Output as _kodama_v1_GetConnectionRequest__Output } from '../../kodama/v1/GetConnectionRequest.ts';
import type { GetConnectionResponse as _kodama_v1_GetConnectionResponse, GetConnectionResponse__Output as _kodama_v1_GetConnectionResponse__Output } from '../../kodama/v1/GetConnectionResponse.ts';
import type { ListConnectionsRequest as _kodama_v1_ListConnectionsRequest, ListConnectionsRequest__Output as _kodama_v1_ListConnectionsRequest__Output } from '../../kodama/v1/ListConnectionsRequest.ts';
import type { ListConnectionsResponse as _kodama_v1_ListConnectionsResponse, ListConnectionsResponse__Output as _kodama_v1_ListConnectionsResponse__Output } from '../../kodama/v1/ListConnectionsResponse.ts';

export interface ConnectionServiceClient extends grpc.Client {
  CloseConnection(argument: _kodama_v1_CloseConnectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  CloseConnection(argument: _kodama_v1_CloseConnectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  CloseConnection(argument: _kodama_v1_CloseConnectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  CloseConnection(argument: _kodama_v1_CloseConnectionRequest, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  closeConnection(argument: _kodama_v1_CloseConnectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  closeConnection(argument: _kodama_v1_CloseConnectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  closeConnection(argument: _kodama_v1_CloseConnectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  closeConnection(argument: _kodama_v1_CloseConnectionRequest, callback: grpc.requestCallback<_kodama_v1_CloseConnectionResponse__Output>): grpc.ClientUnaryCall;
  
  GetConnection(argument: _kodama_v1_GetConnectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  GetConnection(argument: _kodama_v1_GetConnectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  GetConnection(argument: _kodama_v1_GetConnectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  GetConnection(argument: _kodama_v1_GetConnectionRequest, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  getConnection(argument: _kodama_v1_GetConnectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  getConnection(argument: _kodama_v1_GetConnectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  getConnection(argument: _kodama_v1_GetConnectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  getConnection(argument: _kodama_v1_GetConnectionRequest, callback: grpc.requestCallback<_kodama_v1_GetConnectionResponse__Output>): grpc.ClientUnaryCall;
  
  ListConnections(argument: _kodama_v1_ListConnectionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  ListConnections(argument: _kodama_v1_ListConnectionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  ListConnections(argument: _kodama_v1_ListConnectionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  ListConnections(argument: _kodama_v1_ListConnectionsRequest, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  listConnections(argument: _kodama_v1_ListConnectionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  listConnections(argument: _kodama_v1_ListConnectionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  listConnections(argument: _kodama_v1_ListConnectionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  listConnections(argument: _kodama_v1_ListConnectionsRequest, callback: grpc.requestCallback<_kodama_v1_ListConnectionsResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ConnectionServiceHandlers extends grpc.UntypedServiceImplementation {
  CloseConnection: grpc.handleUnaryCall<_kodama_v1_CloseConnectionRequest__Output, _kodama_v1_CloseConnectionResponse>;
  
  GetConnection: grpc.handleUnaryCall<_kodama_v1_GetConnectionRequest__Output, _kodama_v1_GetConnectionResponse>;
  
  ListConnections: grpc.handleUnaryCall<_kodama_v1_ListConnectionsRequest__Output, _kodama_v1_ListConnectionsResponse>;
  
}

export interface ConnectionServiceDefinition extends grpc.ServiceDefinition {
  CloseConnection: MethodDefinition<_kodama_v1_CloseConnectionRequest, _kodama_v1_CloseConnectionResponse, _kodama_v1_CloseConnectionRequest__Output, _kodama_v1_CloseConnectionResponse__Output>
  GetConnection: MethodDefinition<_kodama_v1_GetConnectionRequest, _kodama_v1_GetConnectionResponse, _kodama_v1_GetConnectionRequest__Output, _kodama_v1_GetConnectionResponse__Output>
  ListConnections: MethodDefinition<_kodama_v1_ListConnectionsRequest, _kodama_v1_ListConnectionsResponse, _kodama_v1_ListConnectionsRequest__Output, _kodama_v1_ListConnectionsResponse__Output>
}
