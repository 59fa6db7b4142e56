/** ConnectionService: the operations of connections. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Connection } from '../core/connection.ts';
import type { Named } from '../core/listener-names.ts';
import type { Edge } from './edge.ts';
import { operationCall } from './operation-call.ts';

const one = { answer: (connection: Named<Connection>) => ({ connection }) };

export function connectionHandlers(edge: Edge): UntypedServiceImplementation {
  const { getConnection, listConnections, waitConnections, closeConnection } = edge.api.operations;
  return {
    GetConnection: operationCall(edge, getConnection, one),
    ListConnections: operationCall(edge, listConnections, {
      answer: (connections) => ({ connections }),
    }),
    WaitConnections: operationCall(edge, waitConnections, {
      answer: ({ items, ...waited }) => ({ ...waited, connections: items }),
    }),
    CloseConnection: operationCall(edge, closeConnection, one),
  };
}
