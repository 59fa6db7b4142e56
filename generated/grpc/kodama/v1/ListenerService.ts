// Original file: proto/kodama/v1/listener_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BatchCreateListenersRequest as _kodama_v1_BatchCreateListenersRequest, BatchCreateListenersRequest__Output as _kodama_v1_BatchCreateListenersRequest__Output } from '../../kodama/v1/BatchCreateListenersRequest.ts';
import type { BatchCreateListenersResponse as _kodama_v1_BatchCreateListenersResponse, BatchCreateListenersResponse__Output as _kodama_v1_BatchCreateListenersResponse__Output } from '../../kodama/v1/BatchCreateListenersResponse.ts';
import type { CreateListenerRequest as _kodama_v1_CreateListenerRequest, CreateListenerRequest__Output as _kodama_v1_CreateListenerRequest__Output } from '../../kodama/v1/CreateListenerRequest.ts';
import type { CreateListenerResponse as _kodama_v1_CreateListenerResponse, CreateListenerResponse__Output as _kodama_v1_CreateListenerResponse__Output } from '../../kodama/v1/CreateListenerResponse.ts';
import type { DeleteListenerRequest as _kodama_v1_DeleteListenerRequest, DeleteListenerRequest__Output as _kodama_v1_DeleteListenerRequest__Output } from '../../kodama/v1/DeleteListenerRequest.ts';
import type { DeleteListenerResponse as _kodama_v1_DeleteListenerResponse, DeleteListenerResponse__Output as _kodama_v1_DeleteListenerResponse__Output } from '../../kodama/v1/DeleteListenerResponse.ts';
import type { GetListenerRequest as _kodama_v1_GetListenerRequest, GetListenerRequest__Output as _kodama_v1_GetListenerRequest__Output } from '../../kodama/v1/GetListenerRequest.ts';
import type { GetListenerResponse as _kodama_v1_GetListenerResponse, GetListenerResponse__Output as _kodama_v1_GetListenerResponse__Output } from '../../kodama/v1/GetListenerResponse.ts';
import type { ListListenersRequest as _kodama_v1_ListListenersRequest, ListListenersRequest__Output as _kodama_v1_ListListenersRequest__Output } from '../../kodama/v1/ListListenersRequest.ts';
import type { ListListenersResponse as _kodama_v1_ListListenersResponse, ListListenersResponse__Output as _kodama_v1_ListListenersResponse__Output } from '../../kodama/v1/ListListenersResponse.ts';
import type { UpdateListenerRequest as _kodama_v1_UpdateListenerRequest, UpdateListenerRequest__Output as _kodama_v1_UpdateListenerRequest__Output } from '../../kodama/v1/UpdateListenerRequest.ts';
import type { UpdateListenerResponse as _kodama_v1_UpdateListenerResponse, UpdateListenerResponse__Output as _kodama_v1_UpdateListenerResponse__Output } from '../../kodama/v1/UpdateListenerResponse.ts';

export interface ListenerServiceClient extends grpc.Client {
  BatchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  BatchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  BatchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  BatchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  batchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  batchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  batchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  batchCreateListeners(argument: _kodama_v1_BatchCreateListenersRequest, callback: grpc.requestCallback<_kodama_v1_BatchCreateListenersResponse__Output>): grpc.ClientUnaryCall;
  
  CreateListener(argument: _kodama_v1_CreateListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  CreateListener(argument: _kodama_v1_CreateListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  CreateListener(argument: _kodama_v1_CreateListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  CreateListener(argument: _kodama_v1_CreateListenerRequest, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  createListener(argument: _kodama_v1_CreateListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  createListener(argument: _kodama_v1_CreateListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  createListener(argument: _kodama_v1_CreateListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  createListener(argument: _kodama_v1_CreateListenerRequest, callback: grpc.requestCallback<_kodama_v1_CreateListenerResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteListener(argument: _kodama_v1_DeleteListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  DeleteListener(argument: _kodama_v1_DeleteListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  DeleteListener(argument: _kodama_v1_DeleteListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  DeleteListener(argument: _kodama_v1_DeleteListenerRequest, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  deleteListener(argument: _kodama_v1_DeleteListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  deleteListener(argument: _kodama_v1_DeleteListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  deleteListener(argument: _kodama_v1_DeleteListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  deleteListener(argument: _kodama_v1_DeleteListenerRequest, callback: grpc.requestCallback<_kodama_v1_DeleteListenerResponse__Output>): grpc.ClientUnaryCall;
  
  GetListener(argument: _kodama_v1_GetListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  GetListener(argument: _kodama_v1_GetListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  GetListener(argument: _kodama_v1_GetListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  GetListener(argument: _kodama_v1_GetListenerRequest, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  getListener(argument: _kodama_v1_GetListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  getListener(argument: _kodama_v1_GetListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  getListener(argument: _kodama_v1_GetListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  getListener(argument: _kodama_v1_GetListenerRequest, callback: grpc.requestCallback<_kodama_v1_GetListenerResponse__Output>): grpc.ClientUnaryCall;
  
  ListListeners(argument: _kodama_v1_ListListenersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  ListListeners(argument: _kodama_v1_ListListenersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  ListListeners(argument: _kodama_v1_ListListenersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  ListListeners(argument: _kodama_v1_ListListenersRequest, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  listListeners(argument: _kodama_v1_ListListenersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  listListeners(argument: _kodama_v1_ListListenersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  listListeners(argument: _kodama_v1_ListListenersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  listListeners(argument: _kodama_v1_ListListenersRequest, callback: grpc.requestCallback<_kodama_v1_ListListenersResponse__Output>): grpc.ClientUnaryCall;
  
  UpdateListener(argument: _kodama_v1_UpdateListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  UpdateListener(argument: _kodama_v1_UpdateListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  UpdateListener(argument: _kodama_v1_UpdateListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  UpdateListener(argument: _kodama_v1_UpdateListenerRequest, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  updateListener(argument: _kodama_v1_UpdateListenerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  updateListener(argument: _kodama_v1_UpdateListenerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  updateListener(argument: _kodama_v1_UpdateListenerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  updateListener(argument: _kodama_v1_UpdateListenerRequest, callback: grpc.requestCallback<_kodama_v1_UpdateListenerResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ListenerServiceHandlers extends grpc.UntypedServiceImplementation {
  BatchCreateListeners: grpc.handleUnaryCall<_kodama_v1_BatchCreateListenersRequest__Output, _kodama_v1_BatchCreateListenersResponse>;
  
  CreateListener: grpc.handleUnaryCall<_kodama_v1_CreateListenerRequest__Output, _kodama_v1_CreateListenerResponse>;
  
  DeleteListener: grpc.handleUnaryCall<_kodama_v1_DeleteListenerRequest__Output, _kodama_v1_DeleteListenerResponse>;
  
  GetListener: grpc.handleUnaryCall<_kodama_v1_GetListenerRequest__Output, _kodama_v1_GetListenerResponse>;
  
  ListListeners: grpc.handleUnaryCall<_kodama_v1_ListListenersRequest__Output, _kodama_v1_ListListenersResponse>;
  
  UpdateListener: grpc.handleUnaryCall<_kodama_v1_UpdateListenerRequest__Output, _kodama_v1_UpdateListenerResponse>;
  
}

export interface ListenerServiceDefinition extends grpc.ServiceDefinition {
  BatchCreateListeners: MethodDefinition<_kodama_v1_BatchCreateListenersRequest, _kodama_v1_BatchCreateListenersResponse, _kodama_v1_BatchCreateListenersRequest__Output, _kodama_v1_BatchCreateListenersResponse__Output>
  CreateListener: MethodDefinition<_kodama_v1_CreateListenerRequest, _kodama_v1_CreateListenerResponse, _kodama_v1_CreateListenerRequest__Output, _kodama_v1_CreateListenerResponse__Output>
  DeleteListener: MethodDefinition<_kodama_v1_DeleteListenerRequest, _kodama_v1_DeleteListenerResponse, _kodama_v1_DeleteListenerRequest__Output, _kodama_v1_DeleteListenerResponse__Output>
  GetListener: MethodDefinition<_kodama_v1_GetListenerRequest, _kodama_v1_GetListenerResponse, _kodama_v1_GetListenerRequest__Output, _kodama_v1_GetListenerResponse__Output>
  ListListeners: MethodDefinition<_kodama_v1_ListListenersRequest, _kodama_v1_ListListenersResponse, _kodama_v1_ListListenersRequest__Output, _kodama_v1_ListListenersResponse__Output>
  UpdateListener: MethodDefinition<_kodama_v1_UpdateListenerRequest, _kodama_v1_UpdateListenerResponse, _kodama_v1_UpdateListenerRequest__Output, _kodama_v1_UpdateListenerResponse__Output>
}
