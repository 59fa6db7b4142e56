/** ConnectionService: the operations of connections. */
import type { CloseConnectionRequest__Output as CloseRequest } from '../../generated/grpc/kodama/v1/CloseConnectionRequest.ts';
import type { CloseMode } from '../../generated/grpc/kodama/v1/CloseMode.ts';
import type { ConnectionServiceHandlers } from '../../generated/grpc/kodama/v1/ConnectionService.ts';
import type { GetConnectionRequest__Output as GetRequest } from '../../generated/grpc/kodama/v1/GetConnectionRequest.ts';
import type { ListConnectionsRequest__Output as ListRequest } from '../../generated/grpc/kodama/v1/ListConnectionsRequest.ts';
import type { Connection } from '../core/connection.ts';
import type { Named } from '../core/listener-names.ts';
import { toConnectionMessage } from './connection-messages.ts';
import type { Edge } from './edge.ts';
import { operationCall } from './operation-call.ts';
import { enumWords } from './protos.ts';
import { listConnectionsInput } from './requests.ts';

const closeModes = ['fin', 'rst'] as const;
const modeWords = enumWords<CloseMode, (typeof closeModes)[number]>('CloseMode', closeModes);

const message = (connection: Named<Connection>) =>
  toConnectionMessage(connection, connection.listenerName);
const one = (connection: Named<Connection>) => ({ connection: message(connection) });

export function connectionHandlers(edge: Edge): Omit<ConnectionServiceHandlers, symbol> {
  const { getConnection, listConnections, closeConnection } = edge.api.operations;
  return {
    GetConnection: operationCall(edge, getConnection, {
      plain: ({ id = '' }: GetRequest) => ({ at: { id } }),
      answer: one,
    }),
    ListConnections: operationCall(edge, listConnections, {
      plain: (request: ListRequest) => ({ input: listConnectionsInput(request) }),
      answer: ({ items, nextPageToken }) => ({
        connections: items.map(message),
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    CloseConnection: operationCall(edge, closeConnection, {
      plain: ({ id = '', mode }: CloseRequest) => ({
        at: { id },
        input: { mode: modeWords.toWord(mode) },
      }),
      answer: one,
    }),
  };
}
