/** ListenerService: the operations of listeners. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Listener } from '../core/listener.ts';
import type { Edge } from './edge.ts';
import { operationCall } from './operation-call.ts';
import { changeReader, faultChangeReader } from './update-request.ts';

const one = { answer: (listener: Listener) => ({ listener }) };

export function listenerHandlers(edge: Edge): UntypedServiceImplementation {
  const operations = edge.api.operations;
  return {
    CreateListener: operationCall(edge, operations.createListener, one),
    BatchCreateListeners: operationCall(edge, operations.createListeners, {
      answer: (listeners) => ({ listeners }),
    }),
    GetListener: operationCall(edge, operations.getListener, one),
    ListListeners: operationCall(edge, operations.listListeners, {
      answer: ({ items, nextPageToken }) => ({
        listeners: items,
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    UpdateListener: operationCall(edge, operations.updateListener, {
      plain: changeReader(edge.bounds),
      ...one,
    }),
    AddFault: operationCall(edge, operations.addFault, one),
    UpdateFault: operationCall(edge, operations.updateFault, {
      plain: faultChangeReader(),
      ...one,
    }),
    RemoveFault: operationCall(edge, operations.removeFault, one),
    ResetFaults: operationCall(edge, operations.resetFaults, one),
    CloseListeners: operationCall(edge, operations.closeListeners, {
      answer: ({ items, draining, nextPageToken }) => ({
        closed: items,
        draining,
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    DeleteListener: operationCall(edge, operations.deleteListener, {
      answer: (isClosed) => ({ state: isClosed ? 'closed' : 'draining' }),
    }),
  };
}
