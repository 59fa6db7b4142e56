/** ConnectionService over the control plane. */
import { z } from 'zod';
import type { CloseMode } from '../../generated/grpc/kodama/v1/CloseMode.ts';
import type { ConnectionServiceHandlers } from '../../generated/grpc/kodama/v1/ConnectionService.ts';
import { parse } from '../contract/parse.ts';
import { listSchemas, toConnectionAsk } from '../contract/queries.ts';
import { uuid } from '../contract/values.ts';
import { toConnectionMessage } from './connection-messages.ts';
import type { Edge } from './edge.ts';
import { enumWords } from './protos.ts';
import { listConnectionsInput } from './requests.ts';

const closeModes = ['fin', 'rst'] as const;
const modeWords = enumWords<CloseMode, (typeof closeModes)[number]>('CloseMode', closeModes);
const reference = z.strictObject({ id: uuid });
const closing = reference.extend({ mode: z.enum(closeModes).default('fin') });

export function connectionHandlers(edge: Edge): Omit<ConnectionServiceHandlers, symbol> {
  const { control, calls, bounds } = edge;
  const list = listSchemas(bounds).connections;
  return {
    GetConnection: calls.unary(async ({ id = '' }) => {
      const connection = await control.getConnection(parse(reference, { id }).id);
      return { connection: toConnectionMessage(connection, connection.listenerName) };
    }),
    ListConnections: calls.unary(async (request) => {
      const input = parse(list, listConnectionsInput(request));
      const page = await control.listConnections(toConnectionAsk(input), input);
      return {
        connections: page.items.map((one) => toConnectionMessage(one, one.listenerName)),
        nextPageToken: page.nextPageToken ?? '',
      };
    }),
    CloseConnection: calls.unary(async (request) => {
      const given = { id: request.id ?? '', mode: modeWords.toWord(request.mode) };
      const { id, mode } = parse(closing, given);
      const closed = await control.closeConnection(id, mode);
      return { connection: toConnectionMessage(closed, closed.listenerName) };
    }),
  };
}
