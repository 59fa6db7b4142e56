/** ListenerService: the operations of listeners. */
import type { BatchCreateListenersRequest__Output as BatchRequest } from '../../generated/grpc/kodama/v1/BatchCreateListenersRequest.ts';
import type { CreateListenerRequest__Output as CreateRequest } from '../../generated/grpc/kodama/v1/CreateListenerRequest.ts';
import type { DeleteListenerRequest__Output as DeleteRequest } from '../../generated/grpc/kodama/v1/DeleteListenerRequest.ts';
import type { GetListenerRequest__Output as GetRequest } from '../../generated/grpc/kodama/v1/GetListenerRequest.ts';
import type { ListenerServiceHandlers } from '../../generated/grpc/kodama/v1/ListenerService.ts';
import type { ListListenersRequest__Output as ListRequest } from '../../generated/grpc/kodama/v1/ListListenersRequest.ts';
import type { UpdateListenerRequest__Output as UpdateRequest } from '../../generated/grpc/kodama/v1/UpdateListenerRequest.ts';
import type { Listener } from '../core/listener.ts';
import type { Edge } from './edge.ts';
import { toListenerMessage } from './listener-messages.ts';
import { operationCall } from './operation-call.ts';
import { batchInput, createInput, listListenersInput } from './requests.ts';
import { updateInput } from './update-request.ts';

const one = (listener: Listener) => ({ listener: toListenerMessage(listener) });

export function listenerHandlers(edge: Edge): Omit<ListenerServiceHandlers, symbol> {
  const { bounds } = edge;
  const operations = edge.api.operations;
  return {
    CreateListener: operationCall(edge, operations.createListener, {
      plain: (request: CreateRequest) => ({ input: createInput(request) }),
      answer: one,
    }),
    BatchCreateListeners: operationCall(edge, operations.createListeners, {
      plain: (request: BatchRequest) => ({ input: batchInput(request) }),
      answer: (listeners) => ({ listeners: listeners.map(toListenerMessage) }),
    }),
    GetListener: operationCall(edge, operations.getListener, {
      plain: ({ id = '' }: GetRequest) => ({ at: { id } }),
      answer: one,
    }),
    ListListeners: operationCall(edge, operations.listListeners, {
      plain: (request: ListRequest) => ({ input: listListenersInput(request) }),
      answer: ({ items, nextPageToken }) => ({
        listeners: items.map(toListenerMessage),
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    UpdateListener: operationCall(edge, operations.updateListener, {
      plain: (request: UpdateRequest) => ({
        at: { id: request.id ?? '' },
        input: updateInput(request, bounds),
      }),
      answer: one,
    }),
    DeleteListener: operationCall(edge, operations.deleteListener, {
      plain: ({ id = '', drainMs }: DeleteRequest) => ({ at: { id }, input: { drainMs } }),
      answer: () => ({}),
    }),
  };
}
