/** NodeService and JoinTokenService: the operations of nodes and join tokens. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { JoinToken } from '../fleet/join-token.ts';
import type { ToldNode } from '../fleet/node.ts';
import type { Edge } from './edge.ts';
import { operationCall } from './operation-call.ts';
import { nodeChangeReader } from './update-request.ts';

const node = { answer: (one: ToldNode) => ({ node: one }) };

export function nodeHandlers(edge: Edge): UntypedServiceImplementation {
  const operations = edge.api.operations;
  return {
    GetNode: operationCall(edge, operations.getNode, node),
    ListNodes: operationCall(edge, operations.listNodes, {
      answer: ({ items, nextPageToken }) => ({ nodes: items, nextPageToken: nextPageToken ?? '' }),
    }),
    UpdateNode: operationCall(edge, operations.updateNode, {
      plain: nodeChangeReader(operations.updateNode.fixed),
      ...node,
    }),
    DeleteNode: operationCall(edge, operations.deleteNode, { answer: () => ({}) }),
  };
}

export function joinTokenHandlers(edge: Edge): UntypedServiceImplementation {
  const operations = edge.api.operations;
  return {
    CreateJoinToken: operationCall(edge, operations.createJoinToken, {
      answer: ({ secret, joinUrl, ...joinToken }) => ({ joinToken, secret, joinUrl }),
    }),
    GetJoinToken: operationCall(edge, operations.getJoinToken, {
      answer: (joinToken: JoinToken) => ({ joinToken }),
    }),
    ListJoinTokens: operationCall(edge, operations.listJoinTokens, {
      answer: ({ items, nextPageToken }) => ({
        joinTokens: items,
        nextPageToken: nextPageToken ?? '',
      }),
    }),
    DeleteJoinToken: operationCall(edge, operations.deleteJoinToken, { answer: () => ({}) }),
  };
}
