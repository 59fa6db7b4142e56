/** Every operation, asked through both edges about things that may be somebody else's. */
import type { Operations } from '../../../src/api/operations.ts';
import type { GrpcClient } from '../../support/grpc-client.ts';

/** What a caller can name of a project. */
export interface Things {
  readonly project: string;
  readonly listener: string;
  readonly listenerName: string;
  /** The value of the label `team`. */
  readonly label: string;
  readonly fault: string;
  readonly port: number;
  readonly connection: string;
  /** An address that only its clients come from. */
  readonly raddr: string;
  readonly key: string;
  readonly keyName: string;
  readonly log: string;
  readonly headSeq: number;
  readonly idempotencyKey: string;
  readonly listenersToken: string;
  readonly connectionsToken: string;
  readonly eventsToken: string;
  readonly keysToken: string;
  readonly node: string;
  readonly nodeName: string;
  readonly nodesToken: string;
  readonly joinToken: string;
  readonly joinTokensToken: string;
}

export type Service = Exclude<keyof GrpcClient, 'metadata' | symbol>;

export interface Ask {
  readonly rest: readonly [method: string, path: string, body?: object];
  /** Null: gRPC has no such call. */
  readonly grpc: readonly [service: Service, method: string, request: object] | null;
}

const ask = (rest: Ask['rest'], grpc: Ask['grpc']): Ask => ({ rest, grpc });
/** Nothing is waited for, and no stream goes on. */
const once = { timeout: { seconds: 0, nanos: 0 } };
/** What any caller gives its things here. */
export const commonWords: readonly string[] = ['sliver', 'taken', 'yes'];
const sliver = { name: 'sliver', type: 'latency', delayMs: 1 };
const grpcSliver = { name: 'sliver', latency: { delayMs: 1 } };

type Asks = Readonly<Record<keyof Operations, (things: Things) => readonly Ask[]>>;

const ofListeners = {
  createListener: ({ listenerName: name, port }) => [
    ask(['POST', '/v1/listeners', { name }], ['listeners', 'CreateListener', { name }]),
    ask(['POST', '/v1/listeners', { port }], ['listeners', 'CreateListener', { port }]),
  ],
  createListeners({ listenerName: name, port }) {
    const alike = [{ name }, { port }].map((one) => ({ listeners: [one] }));
    return alike.map((body) =>
      ask(['POST', '/v1/listeners:batch', body], ['listeners', 'BatchCreateListeners', body]),
    );
  },
  getListener: ({ listener, listenerName }) =>
    [listener, listenerName].map((id) =>
      ask(['GET', `/v1/listeners/${id}`], ['listeners', 'GetListener', { id }]),
    ),
  listListeners: ({ listenerName: name, label: team, port, listenersToken: pageToken }) => [
    ask(['GET', `/v1/listeners?name=${name}`], ['listeners', 'ListListeners', { name }]),
    ask(['GET', `/v1/listeners?port=${port}`], ['listeners', 'ListListeners', { port }]),
    ask(
      ['GET', `/v1/listeners?label=team=${team}`],
      ['listeners', 'ListListeners', { labels: { team } }],
    ),
    ask(
      ['GET', `/v1/listeners?pageSize=1&pageToken=${pageToken}`],
      ['listeners', 'ListListeners', { pageSize: 1, pageToken }],
    ),
  ],
  updateListener: ({ listener, listenerName }) =>
    [listener, listenerName].map((id) =>
      ask(
        ['PATCH', `/v1/listeners/${id}`, { labels: { taken: 'yes' } }],
        ['listeners', 'UpdateListener', { id, labels: { taken: 'yes' } }],
      ),
    ),
  deleteListener: ({ listener, listenerName }) =>
    [listener, listenerName].map((id) =>
      ask(['DELETE', `/v1/listeners/${id}`], ['listeners', 'DeleteListener', { id }]),
    ),
  closeListeners({ listener, listenerName, label: team }) {
    const choices = [{ ids: [listener] }, { ids: [listenerName] }, { labels: { team } }];
    return choices.map((body) =>
      ask(['POST', '/v1/listeners:close', body], ['listeners', 'CloseListeners', body]),
    );
  },
  addFault: ({ listener: id }) => [
    ask(
      ['POST', `/v1/listeners/${id}/faults`, sliver],
      ['listeners', 'AddFault', { id, fault: grpcSliver }],
    ),
  ],
  updateFault: ({ listener: id, fault: faultName }) => [
    ask(
      ['PATCH', `/v1/listeners/${id}/faults/${faultName}`, { enabled: false }],
      ['listeners', 'UpdateFault', { id, faultName, fault: { enabled: false } }],
    ),
  ],
  removeFault: ({ listener: id, fault: faultName }) => [
    ask(
      ['DELETE', `/v1/listeners/${id}/faults/${faultName}`],
      ['listeners', 'RemoveFault', { id, faultName }],
    ),
  ],
  resetFaults: ({ listener: id }) => [
    ask(['POST', `/v1/listeners/${id}/faults:reset`], ['listeners', 'ResetFaults', { id }]),
  ],
} as const satisfies Partial<Asks>;

/** Which connections are meant, as a query of REST and as fields of gRPC. */
function connectionsOf({ listener, listenerName, raddr, label: team, port: lport }: Things) {
  return [
    [`listener=${listener}`, { listener }],
    [`listener=${listenerName}`, { listener: listenerName }],
    [`raddr=${raddr}`, { raddr }],
    [`label=team=${team}`, { labels: { team } }],
    [`lport=${lport}`, { lport }],
  ] as const;
}

const ofConnections = {
  getConnection: ({ connection: id }) => [
    ask(['GET', `/v1/connections/${id}`], ['connections', 'GetConnection', { id }]),
  ],
  listConnections: (things) => [
    ...connectionsOf(things).map(([query, fields]) =>
      ask(['GET', `/v1/connections?${query}`], ['connections', 'ListConnections', fields]),
    ),
    ask(
      ['GET', `/v1/connections?pageSize=1&pageToken=${things.connectionsToken}`],
      ['connections', 'ListConnections', { pageSize: 1, pageToken: things.connectionsToken }],
    ),
  ],
  waitConnections: (things) =>
    connectionsOf(things).map(([query, fields]) =>
      ask(
        ['GET', `/v1/connections:wait?${query}&timeoutMs=0`],
        ['connections', 'WaitConnections', { ...fields, ...once }],
      ),
    ),
  closeConnection: ({ connection: id }) => [
    ask(
      ['POST', `/v1/connections/${id}:close`, { mode: 'rst' }],
      ['connections', 'CloseConnection', { id, mode: 'CLOSE_MODE_RST' }],
    ),
  ],
} as const satisfies Partial<Asks>;

/** Which events are meant, and from where on. */
function eventsOf({ listener, listenerName, connection, raddr, label: team, ...of }: Things) {
  const { log, headSeq } = of;
  return [
    [`listenerId=${listener}`, { filter: { listenerIds: [listener] } }],
    [`listener=${listenerName}`, { filter: { listeners: [listenerName] } }],
    [`connectionId=${connection}`, { filter: { connectionIds: [connection] } }],
    [`remoteCidr=${raddr}`, { filter: { remoteCidrs: [raddr] } }],
    [`label=team=${team}`, { filter: { labels: { team } } }],
    [`log=${log}&afterSeq=${headSeq}`, { log, afterSeq: headSeq }],
  ] as const;
}

const fromOldest = (query: string) => (query.includes('afterSeq') ? query : `${query}&afterSeq=0`);

const ofEvents = {
  listEvents: (things) => [
    ...eventsOf(things).map(([query, fields]) =>
      ask(['GET', `/v1/events?${query}`], ['events', 'ListEvents', fields]),
    ),
    ask(
      ['GET', `/v1/events?pageSize=1&pageToken=${things.eventsToken}`],
      ['events', 'ListEvents', { pageSize: 1, pageToken: things.eventsToken }],
    ),
  ],
  waitEvents: (things) =>
    eventsOf(things).map(([query, fields]) =>
      ask(
        ['GET', `/v1/events:wait?${query}&timeoutMs=0`],
        ['events', 'WaitEvents', { ...fields, ...once }],
      ),
    ),
  streamEvents: (things) => [
    // All of the own log: what is kept of another's, under the same seqs, is none of it.
    ask(
      ['GET', '/v1/events?afterSeq=0&endAtHead=true'],
      ['events', 'StreamEvents', { afterSeq: 0, endAtHead: true }],
    ),
    ...eventsOf(things).map(([query, fields]) =>
      ask(
        ['GET', `/v1/events?${fromOldest(query)}&endAtHead=true`],
        ['events', 'StreamEvents', { afterSeq: 0, endAtHead: true, ...fields }],
      ),
    ),
  ],
} as const satisfies Partial<Asks>;

const ofTenancy = {
  createProject: ({ project: name }) => [
    ask(['POST', '/v1/projects', { name }], ['projects', 'CreateProject', { name }]),
  ],
  listProjects: () => [ask(['GET', '/v1/projects'], ['projects', 'ListProjects', {}])],
  getProject: ({ project: name }) => [
    ask(['GET', `/v1/projects/${name}`], ['projects', 'GetProject', { name }]),
  ],
  getOwnProject: () => [ask(['GET', '/v1/projects/self'], ['projects', 'GetOwnProject', {}])],
  updateProject: ({ project: name }) => [
    ask(
      ['PATCH', `/v1/projects/${name}`, { displayName: 'Taken' }],
      ['projects', 'UpdateProject', { name, displayName: 'Taken' }],
    ),
  ],
  deleteProject: ({ project: name }) => [
    ask(['DELETE', `/v1/projects/${name}`], ['projects', 'DeleteProject', { name }]),
  ],
  listQuotas: () => [ask(['GET', '/v1/quotas'], ['projects', 'ListQuotas', {}])],
  createKey: ({ keyName: name }) => [
    ask(
      ['POST', '/v1/keys', { name, scopes: ['read'] }],
      ['keys', 'CreateKey', { name, scopes: ['read'] }],
    ),
  ],
  listKeys: ({ keysToken: pageToken }) => [
    ask(['GET', '/v1/keys'], ['keys', 'ListKeys', {}]),
    ask(
      ['GET', `/v1/keys?pageSize=1&pageToken=${pageToken}`],
      ['keys', 'ListKeys', { pageSize: 1, pageToken }],
    ),
    ask(['GET', '/v1/keys?operators=true'], ['keys', 'ListKeys', { operators: true }]),
  ],
  getKey: ({ key: id }) => [ask(['GET', `/v1/keys/${id}`], ['keys', 'GetKey', { id }])],
  updateKey: ({ key: id }) => [
    ask(
      ['PATCH', `/v1/keys/${id}`, { name: 'taken' }],
      ['keys', 'UpdateKey', { id, name: 'taken' }],
    ),
  ],
  rotateKey: ({ key: id }) => [
    ask(['POST', `/v1/keys/${id}:rotate`, {}], ['keys', 'RotateKey', { id }]),
  ],
  revokeKey: ({ key: id }) => [ask(['DELETE', `/v1/keys/${id}`], ['keys', 'RevokeKey', { id }])],
  listAuditEntries: ({ listener, connection, key, keyName, project, node, joinToken }) =>
    [
      ...[listener, connection, key, keyName, project].map((resource) => ({ resource })),
      ...[node, joinToken].map((resource) => ({ resource })),
      { actor: key },
    ].map((query) =>
      ask(['GET', `/v1/audit?${new URLSearchParams(query)}`], ['audit', 'ListAuditEntries', query]),
    ),
  listNodes: ({ label: team, nodesToken: pageToken }) => [
    ask(['GET', '/v1/nodes'], ['nodes', 'ListNodes', {}]),
    ask(['GET', `/v1/nodes?label=team=${team}`], ['nodes', 'ListNodes', { labels: { team } }]),
    ask(
      ['GET', `/v1/nodes?pageSize=1&pageToken=${pageToken}`],
      ['nodes', 'ListNodes', { pageSize: 1, pageToken }],
    ),
  ],
  getNode: ({ node, nodeName }) =>
    [node, nodeName].map((id) => ask(['GET', `/v1/nodes/${id}`], ['nodes', 'GetNode', { id }])),
  updateNode: ({ node, nodeName }) =>
    [node, nodeName].map((id) =>
      ask(
        ['PATCH', `/v1/nodes/${id}`, { labels: { taken: 'yes' } }],
        ['nodes', 'UpdateNode', { id, labels: { taken: 'yes' } }],
      ),
    ),
  deleteNode: ({ node, nodeName }) =>
    [node, nodeName].map((id) =>
      ask(['DELETE', `/v1/nodes/${id}`], ['nodes', 'DeleteNode', { id }]),
    ),
  createJoinToken: () => [
    ask(['POST', '/v1/join-tokens', {}], ['joinTokens', 'CreateJoinToken', {}]),
    ask(
      ['POST', '/v1/join-tokens', { shared: true }],
      ['joinTokens', 'CreateJoinToken', { shared: true }],
    ),
  ],
  listJoinTokens: ({ joinTokensToken: pageToken }) => [
    ask(['GET', '/v1/join-tokens'], ['joinTokens', 'ListJoinTokens', {}]),
    ask(
      ['GET', `/v1/join-tokens?pageSize=1&pageToken=${pageToken}`],
      ['joinTokens', 'ListJoinTokens', { pageSize: 1, pageToken }],
    ),
  ],
  getJoinToken: ({ joinToken: id }) => [
    ask(['GET', `/v1/join-tokens/${id}`], ['joinTokens', 'GetJoinToken', { id }]),
  ],
  deleteJoinToken: ({ joinToken: id }) => [
    ask(['DELETE', `/v1/join-tokens/${id}`], ['joinTokens', 'DeleteJoinToken', { id }]),
  ],
  getStatus: () => [ask(['GET', '/v1/status'], null)],
} as const satisfies Partial<Asks>;

export const asks: Asks = { ...ofListeners, ...ofConnections, ...ofEvents, ...ofTenancy };
