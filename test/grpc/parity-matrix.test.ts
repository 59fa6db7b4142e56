/**
 * Every use case, failing with every code that there is, through REST and through gRPC: the statuses are those of
 * the edge's table, and what is told is the same. The control plane fails as it is told to.
 */
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '../../src/api/operations.ts';
import type { World } from '../../src/api/world.ts';
import { operator, type Scope, scopes } from '../../src/core/caller.ts';
import { AppError, type ErrorCode, type ErrorDetails, errorCodes } from '../../src/core/errors.ts';
import type { Keys } from '../../src/core/keys.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import { statuses as grpcStatuses } from '../../src/grpc/status.ts';
import { statuses as restStatuses } from '../../src/http/problem.ts';
import type { Control } from '../support/edge-api.ts';
import {
  type GrpcClient,
  call as grpcCall,
  grpcClient,
  streamEvents,
} from '../support/grpc-client.ts';
import { type GrpcEdge, startGrpcEdge } from '../support/grpc-edge.ts';
import { plainError } from '../support/plain-message.ts';
import { call } from '../support/rest-client.ts';
import { type RestEdge, restEdge } from '../support/rest-edge.ts';
import { tokenKeys } from '../support/token-keys.ts';

const id = '01900000-0000-7000-8000-00000000beef';

interface UseCase {
  readonly rest: readonly [method: string, path: string, body?: object];
  readonly grpc: (client: GrpcClient) => Promise<object>;
}

const useCases: Readonly<Record<string, UseCase>> = {
  createListener: {
    rest: ['POST', '/v1/listeners', {}],
    grpc: ({ listeners }) => grpcCall((done) => listeners.CreateListener({}, done)),
  },
  createListeners: {
    rest: ['POST', '/v1/listeners:batch', { listeners: [{}] }],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.BatchCreateListeners({ listeners: [{}] }, done)),
  },
  getListener: {
    rest: ['GET', `/v1/listeners/${id}`],
    grpc: ({ listeners }) => grpcCall((done) => listeners.GetListener({ id }, done)),
  },
  listListeners: {
    rest: ['GET', '/v1/listeners'],
    grpc: ({ listeners }) => grpcCall((done) => listeners.ListListeners({}, done)),
  },
  updateListener: {
    rest: ['PATCH', `/v1/listeners/${id}`, { labels: { a: 'b' } }],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.UpdateListener({ id, labels: { a: 'b' } }, done)),
  },
  deleteListener: {
    rest: ['DELETE', `/v1/listeners/${id}`],
    grpc: ({ listeners }) => grpcCall((done) => listeners.DeleteListener({ id }, done)),
  },
  closeListeners: {
    rest: ['POST', '/v1/listeners:close', { ids: [id] }],
    grpc: ({ listeners }) => grpcCall((done) => listeners.CloseListeners({ ids: [id] }, done)),
  },
  addFault: {
    rest: ['POST', `/v1/listeners/${id}/faults`, { type: 'refuse' }],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.AddFault({ id, fault: { refuse: {} } }, done)),
  },
  updateFault: {
    rest: ['PATCH', `/v1/listeners/${id}/faults/one`, { enabled: false }],
    grpc: ({ listeners }) =>
      grpcCall((done) =>
        listeners.UpdateFault({ id, faultName: 'one', fault: { enabled: false } }, done),
      ),
  },
  removeFault: {
    rest: ['DELETE', `/v1/listeners/${id}/faults/one`],
    grpc: ({ listeners }) =>
      grpcCall((done) => listeners.RemoveFault({ id, faultName: 'one' }, done)),
  },
  resetFaults: {
    rest: ['POST', `/v1/listeners/${id}/faults:reset`],
    grpc: ({ listeners }) => grpcCall((done) => listeners.ResetFaults({ id }, done)),
  },
  getConnection: {
    rest: ['GET', `/v1/connections/${id}`],
    grpc: ({ connections }) => grpcCall((done) => connections.GetConnection({ id }, done)),
  },
  listConnections: {
    rest: ['GET', '/v1/connections'],
    grpc: ({ connections }) => grpcCall((done) => connections.ListConnections({}, done)),
  },
  waitConnections: {
    rest: ['GET', '/v1/connections:wait'],
    grpc: ({ connections }) => grpcCall((done) => connections.WaitConnections({}, done)),
  },
  closeConnection: {
    rest: ['POST', `/v1/connections/${id}:close`, { mode: 'rst' }],
    grpc: ({ connections }) => grpcCall((done) => connections.CloseConnection({ id }, done)),
  },
  listEvents: {
    rest: ['GET', '/v1/events'],
    grpc: ({ events }) => grpcCall((done) => events.ListEvents({}, done)),
  },
  waitEvents: {
    rest: ['GET', '/v1/events:wait'],
    grpc: ({ events }) => grpcCall((done) => events.WaitEvents({}, done)),
  },
  createProject: {
    rest: ['POST', '/v1/projects', { name: 'team' }],
    grpc: ({ projects }) => grpcCall((done) => projects.CreateProject({ name: 'team' }, done)),
  },
  listProjects: {
    rest: ['GET', '/v1/projects'],
    grpc: ({ projects }) => grpcCall((done) => projects.ListProjects({}, done)),
  },
  getProject: {
    rest: ['GET', '/v1/projects/team'],
    grpc: ({ projects }) => grpcCall((done) => projects.GetProject({ name: 'team' }, done)),
  },
  getOwnProject: {
    rest: ['GET', '/v1/projects/self'],
    grpc: ({ projects }) => grpcCall((done) => projects.GetOwnProject({}, done)),
  },
  updateProject: {
    rest: ['PATCH', '/v1/projects/team', { displayName: 'Team' }],
    grpc: ({ projects }) =>
      grpcCall((done) => projects.UpdateProject({ name: 'team', displayName: 'Team' }, done)),
  },
  deleteProject: {
    rest: ['DELETE', '/v1/projects/team'],
    grpc: ({ projects }) => grpcCall((done) => projects.DeleteProject({ name: 'team' }, done)),
  },
  listQuotas: {
    rest: ['GET', '/v1/quotas'],
    grpc: ({ projects }) => grpcCall((done) => projects.ListQuotas({}, done)),
  },
  createKey: {
    rest: ['POST', '/v1/keys', { name: 'ci', scopes: ['read'] }],
    grpc: ({ keys: own }) =>
      grpcCall((done) => own.CreateKey({ name: 'ci', scopes: ['read'] }, done)),
  },
  listAuditEntries: {
    rest: ['GET', '/v1/audit'],
    grpc: ({ audit }) => grpcCall((done) => audit.ListAuditEntries({}, done)),
  },
  listKeys: {
    rest: ['GET', '/v1/keys'],
    grpc: ({ keys: own }) => grpcCall((done) => own.ListKeys({}, done)),
  },
  getKey: {
    rest: ['GET', `/v1/keys/${id}`],
    grpc: ({ keys: own }) => grpcCall((done) => own.GetKey({ id }, done)),
  },
  updateKey: {
    rest: ['PATCH', `/v1/keys/${id}`, { name: 'ci-2' }],
    grpc: ({ keys: own }) => grpcCall((done) => own.UpdateKey({ id, name: 'ci-2' }, done)),
  },
  revokeKey: {
    rest: ['DELETE', `/v1/keys/${id}`],
    grpc: ({ keys: own }) => grpcCall((done) => own.RevokeKey({ id }, done)),
  },
  rotateKey: {
    rest: ['POST', `/v1/keys/${id}:rotate`, {}],
    grpc: ({ keys: own }) => grpcCall((done) => own.RotateKey({ id }, done)),
  },
  listNodes: {
    rest: ['GET', '/v1/nodes'],
    grpc: ({ nodes }) => grpcCall((done) => nodes.ListNodes({}, done)),
  },
  getNode: {
    rest: ['GET', '/v1/nodes/dmz-1'],
    grpc: ({ nodes }) => grpcCall((done) => nodes.GetNode({ id: 'dmz-1' }, done)),
  },
  updateNode: {
    rest: ['PATCH', '/v1/nodes/dmz-1', { cordoned: true }],
    grpc: ({ nodes }) =>
      grpcCall((done) => nodes.UpdateNode({ id: 'dmz-1', cordoned: true }, done)),
  },
  deleteNode: {
    rest: ['DELETE', '/v1/nodes/dmz-1'],
    grpc: ({ nodes }) => grpcCall((done) => nodes.DeleteNode({ id: 'dmz-1' }, done)),
  },
  createJoinToken: {
    rest: ['POST', '/v1/join-tokens', { uses: 2 }],
    grpc: ({ joinTokens }) => grpcCall((done) => joinTokens.CreateJoinToken({ uses: 2 }, done)),
  },
  listJoinTokens: {
    rest: ['GET', '/v1/join-tokens'],
    grpc: ({ joinTokens }) => grpcCall((done) => joinTokens.ListJoinTokens({}, done)),
  },
  getJoinToken: {
    rest: ['GET', `/v1/join-tokens/${id}`],
    grpc: ({ joinTokens }) => grpcCall((done) => joinTokens.GetJoinToken({ id }, done)),
  },
  deleteJoinToken: {
    rest: ['DELETE', `/v1/join-tokens/${id}`],
    grpc: ({ joinTokens }) => grpcCall((done) => joinTokens.DeleteJoinToken({ id }, done)),
  },
  streamEvents: {
    rest: ['GET', '/v1/events?afterSeq=1'],
    async grpc() {
      using stream = streamEvents(grpc.address, {}, { afterSeq: 1 });
      const error = await stream.ended;
      if (error !== null) throw error;
      return {};
    },
  },
};

/** All that an error may tell; a code has those that belong to it. */
const details: Readonly<Partial<Record<ErrorCode, ErrorDetails>>> = {
  invalid_argument: { errors: [{ path: 'limits.maxBytes', message: 'é "quoted"\n' }], headSeq: 7 },
  port_in_use: { owner: id },
  already_exists: { owner: id },
  not_met: { why: 'timeout', count: 0, min: 1, max: 2, seq: 0 },
  cursor_expired: { oldestSeq: 4711 },
  resource_exhausted: { limit: 'listenersMax', limitValue: 3, retryAfterMs: 2500 },
  unavailable: { retryAfterMs: 1500 },
};

let failure = new AppError('internal', 'not set');
function failingPart<Part extends object>(): Part {
  return new Proxy({} as Part, {
    get: (_, name) => {
      if (name !== 'followEvents') return () => Promise.reject(failure);
      // biome-ignore lint/correctness/useYield: it fails before its first event
      return async function* () {
        throw failure;
      };
    },
  });
}
const failing = failingPart<Control>();
const cases = {
  projects: failingPart<World['projects']>(),
  apiKeys: failingPart<World['keys']>(),
  audit: failingPart<World['audit']>(),
  nodes: failingPart<World['nodes']>(),
  joinTokens: failingPart<World['joinTokens']>(),
};

/** What the caller's key holds. */
let held: readonly Scope[] = scopes;
const keys: Keys = {
  identify: async () => ({ ...operator, scopes: new Set(held) }),
  watch: (identity) => tokenKeys(null).watch(identity),
};

let rest: RestEdge;
let grpc: GrpcEdge;
let client: GrpcClient;

beforeAll(async () => {
  rest = await restEdge({ control: failing, keys, ...cases });
  grpc = await startGrpcEdge(failing, { keys, ...cases });
  client = grpcClient(grpc.address);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await grpc[Symbol.asyncDispose]();
  await rest[Symbol.asyncDispose]();
});

test('the use cases are all operations that gRPC has too', () => {
  const names = Object.keys(operations(defaultBounds, { drainMsMax: 1 }));
  expect(Object.keys(useCases).toSorted()).toEqual(
    names.filter((name) => name !== 'getStatus').toSorted(),
  );
});

/** Through both edges. */
async function refused(name: string, useCase: UseCase) {
  const accept = name === 'streamEvents' ? 'application/x-ndjson' : '*/*';
  const [method, path, body] = useCase.rest;
  const reply = await call(rest, method, path, body, { accept });
  const error = await useCase.grpc(client).then(
    () => expect.fail('it was not refused'),
    (reason: ServiceError) => reason,
  );
  return { reply, error };
}

/** Whoever is known may. */
const open = new Set(['getOwnProject', 'listQuotas']);

describe.each(Object.entries(useCases))('%s', (name, useCase) => {
  test.skipIf(open.has(name))('without its scope is refused unread', async () => {
    held = [];
    failure = new AppError('internal', 'it must not run');
    const { reply, error } = await refused(name, useCase);
    held = scopes;
    const { detail, scope } = reply.body;
    expect(scope).toMatch(
      /^((listeners|connections|events|nodes|keys):(read|write)|audit:read|operator)$/,
    );
    expect(reply.body).toMatchObject({
      code: 'permission_denied',
      detail: `${name} wants the scope ${scope}`,
    });
    expect(plainError(error)).toMatchObject({ code: 'permission_denied', detail });
    expect(error.metadata.get('kodama-scope')).toEqual([scope]);
  });

  test.each(errorCodes)('that fails with %s is refused alike', async (code) => {
    const given = details[code] ?? {};
    failure = new AppError(code, `why it failed: ${code}`, given);
    const { reply, error } = await refused(name, useCase);
    expect(reply.status).toBe(restStatuses[code][0]);
    expect(error.code).toBe(grpcStatuses[code]);
    const { errors, owner, oldestSeq, headSeq, limit, limitValue, detail } = reply.body;
    const { why, count, min, max, seq } = reply.body;
    const waited = { why, count, min, max, seq };
    const told = { code, detail, errors, owner, oldestSeq, headSeq, limit, limitValue, ...waited };
    expect(plainError(error)).toEqual(told);
    const { retryAfterMs, ...shown } = given;
    expect(reply.body).toMatchObject(shown);
    if (retryAfterMs !== undefined) {
      expect(error.metadata.get('kodama-retry-after-ms')).toEqual([String(retryAfterMs)]);
      const seconds = String(Math.ceil(retryAfterMs / 1000));
      expect(reply.headers.get('retry-after')).toBe(seconds);
    }
    // A failure on this side says nothing of itself.
    expect(detail.includes('why it failed')).toBe(code !== 'internal');
  });
});
