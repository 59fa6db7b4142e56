/**
 * No field is without its twin: what a client can say in a request is what the schemas of src/api read, and what core
 * holds is what an answer says. Both sides are walked, so that a field, word, message or method of one alone fails.
 */
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Control } from '../../test/support/edge-api.ts';
import { placesOfSchema, placesOfType } from '../../test/support/field-places.ts';
import { type GrpcEdge, startGrpcEdge } from '../../test/support/grpc-edge.ts';
import { plainMessage } from '../../test/support/plain-message.ts';
import { sampleId } from '../../test/support/samples.ts';
import { wholeConnection, wholeEvents, wholeListener } from '../../test/support/whole-samples.ts';
import { operations } from '../api/operations.ts';
import type { World } from '../api/world.ts';
import { auditedKinds } from '../core/audit.ts';
import { actorKinds } from '../core/caller.ts';
import { closeInitiators, closeReasons, connectionStates } from '../core/connection.ts';
import { eventTypes, refusalRules } from '../core/event.ts';
import { eventOrders } from '../core/event-page.ts';
import { streamEnds } from '../core/follow.ts';
import { listenerModes, listenerStates, protocols } from '../core/listener.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import type { PageInPieces } from '../core/page.ts';
import { noQuotas } from '../core/quotas.ts';
import { parseTime } from '../core/time.ts';
import { nodeStates, type ToldNode } from '../fleet/node.ts';
import { projectStates } from '../tenancy/project.ts';
import { operationOf, typeWord, wordOf } from './differences.ts';
import { decoderOf } from './message-decoder.ts';
import { messageType } from './protos.ts';

const { nestedArray } = messageType('Event').parent as protobuf.Namespace;
const enums = nestedArray.filter((one) => one instanceof protobuf.Enum);
const methods = nestedArray
  .filter((one) => one instanceof protobuf.Service)
  .flatMap(({ methodsArray }) => methodsArray);

const all = operations(defaultBounds, { drainMsMax: 1 });

interface Asked {
  readonly operation: {
    readonly name: string;
    readonly at?: z.ZodType;
    readonly input: z.ZodType;
  };
  /** Of a fault, whichever it is: what each has is told by those of a listener. */
  readonly isOfAnyType?: true;
  /** What the protos alone have. */
  readonly more?: readonly string[];
}

const mask = ['updateMask', 'updateMask.paths[]: string'];

/** The operation of each method. */
const asked: Readonly<Record<string, Asked>> = {
  CreateListener: { operation: all.createListener },
  // An `each` is a listener like any other, but may have neither.
  BatchCreateListeners: {
    operation: all.createListeners,
    more: ['name: string', 'port: number'],
  },
  GetListener: { operation: all.getListener },
  ListListeners: { operation: all.listListeners },
  UpdateListener: { operation: all.updateListener, more: mask },
  AddFault: { operation: all.addFault, isOfAnyType: true },
  UpdateFault: { operation: all.updateFault, isOfAnyType: true, more: mask },
  RemoveFault: { operation: all.removeFault },
  ResetFaults: { operation: all.resetFaults },
  CloseListeners: { operation: all.closeListeners },
  DeleteListener: { operation: all.deleteListener },
  GetConnection: { operation: all.getConnection },
  ListConnections: { operation: all.listConnections },
  WaitConnections: { operation: all.waitConnections },
  CloseConnection: { operation: all.closeConnection },
  ListEvents: { operation: all.listEvents },
  WaitEvents: { operation: all.waitEvents },
  StreamEvents: { operation: all.streamEvents },
  CreateProject: { operation: all.createProject },
  GetProject: { operation: all.getProject },
  GetOwnProject: { operation: all.getOwnProject },
  ListProjects: { operation: all.listProjects },
  UpdateProject: { operation: all.updateProject, more: mask },
  DeleteProject: { operation: all.deleteProject },
  ListQuotas: { operation: all.listQuotas },
  CreateKey: { operation: all.createKey },
  GetKey: { operation: all.getKey },
  ListKeys: { operation: all.listKeys },
  UpdateKey: { operation: all.updateKey },
  RevokeKey: { operation: all.revokeKey },
  RotateKey: { operation: all.rotateKey },
  ListAuditEntries: { operation: all.listAuditEntries },
  GetNode: { operation: all.getNode },
  ListNodes: { operation: all.listNodes },
  UpdateNode: { operation: all.updateNode, more: mask },
  DeleteNode: { operation: all.deleteNode },
  CreateJoinToken: { operation: all.createJoinToken },
  GetJoinToken: { operation: all.getJoinToken },
  ListJoinTokens: { operation: all.listJoinTokens },
  DeleteJoinToken: { operation: all.deleteJoinToken },
};

test('every method has its operation', () => {
  expect(methods.map(({ name }) => name).sort()).toEqual(Object.keys(asked).sort());
  for (const [name, { operation }] of Object.entries(asked)) {
    // What is refused before it is known to be one is told by that name.
    expect(operationOf(`/kodama.v1.Any/${name}`)).toBe(operation.name);
  }
});

const faultTypes = new Set(messageType('Fault').oneofs.effect?.fieldsArray.map(typeWord));

function withoutTypes(places: Iterable<string>): readonly string[] {
  const isOfType = (place: string) => faultTypes.has(place.split('.')[0] ?? '');
  const plain = [...places]
    .filter((place) => !faultTypes.has(place))
    .map((place) => (isOfType(place) ? place.replace(/^\w+\./, '') : place));
  return [...new Set(plain)].sort();
}

test.each(methods.map((method) => [method.name, method] as const))(
  '%s asks for what its operation takes',
  (name, { resolvedRequestType: type }) => {
    const { operation, more = [], isOfAnyType } = asked[name] ?? expect.fail('it has none');
    const { at, input } = operation;
    const schemas = at === undefined ? [input] : [at, input];
    const places = new Set([...schemas.flatMap(placesOfSchema), ...more]);
    if (type === null) expect.fail('it has no request');
    const said = placesOfType(type, decoderOf(type));
    const plain = isOfAnyType ? withoutTypes : (all: Iterable<string>) => [...all].sort();
    expect(plain(said)).toEqual(plain(places));
  },
);

const words: Readonly<Record<string, readonly string[]>> = {
  Protocol: protocols,
  ListenerState: listenerStates,
  ListenerMode: listenerModes,
  Recording: ['batched', 'durable'],
  OnNodeLost: ['stay', 'move'],
  ProxyProtocolMode: ['off', 'optional', 'required'],
  TlsClientAuth: ['none', 'request', 'require'],
  TlsVersion: ['TLSv1.2', 'TLSv1.3'],
  LatencyDistribution: ['uniform', 'normal', 'pareto'],
  BandwidthScope: ['connection', 'listener'],
  LimitAction: ['fin', 'rst', 'blackhole'],
  CloseFaultMode: ['fin', 'rst', 'half_close'],
  BlackholeHow: ['drop', 'stall'],
  ConnectionState: connectionStates,
  CloseInitiator: closeInitiators,
  CloseReason: closeReasons,
  CloseMode: ['fin', 'rst'],
  EventType: eventTypes,
  EventOrder: eventOrders,
  StreamEnd: streamEnds,
  RefusalRule: refusalRules,
  ActorKind: actorKinds,
  AuditedKind: auditedKinds,
  ProjectState: projectStates,
  NodeState: nodeStates,
};

test("every enum of the protos has exactly core's words, in core's order", () => {
  expect(enums.map(({ name }) => name).sort()).toEqual(Object.keys(words).sort());
  for (const one of enums) {
    const found = Object.entries(one.values).toSorted(([, a], [, b]) => a - b);
    expect(found.map(([, number]) => number)).toEqual(found.map((_, index) => index));
    const [unspecified, ...said] = found.map(([value]) => wordOf(value, one));
    expect([unspecified, ...said], one.name).toEqual(['unspecified', ...(words[one.name] ?? [])]);
  }
});

const listenerName = 'whole';
const connection = { ...wholeConnection, listenerName };
const namedEvents = wholeEvents.map((event) => ({ ...event, listenerName }));
const page = { nextPageToken: 'more' };

async function* inPieces<Item, End>(items: readonly Item[], end: End): PageInPieces<Item, End> {
  yield items;
  return end;
}

/** It answers whatever it is asked, with all that core can say. */
const control: Partial<Control> = {
  createListeners: async () => [wholeListener],
  getListener: async () => wholeListener,
  listListeners: async () => ({ items: [wholeListener], ...page }),
  updateListener: async () => wholeListener,
  updateFaults: async () => wholeListener,
  deleteListener: async () => true,
  closeListeners: async () => ({ items: [sampleId(1)], draining: [sampleId(2)], ...page }),
  getConnection: async () => connection,
  listConnections: async () => inPieces([connection], page),
  waitConnections: async () => ({ count: 1, seq: 3, log: 'a log', items: [connection] }),
  closeConnection: async () => connection,
  listEvents: async () => inPieces(namedEvents, { log: 'a log', ...page }),
  waitEvents: async () => ({ count: 3, seq: 3, log: 'a log', items: namedEvents }),
  async *followEvents() {
    const names = new Map([[sampleId(1), listenerName]]);
    yield { kind: 'events', seq: 3, events: wholeEvents, names, log: 'a log' };
    yield { kind: 'synced', seq: 3 };
    yield { kind: 'heartbeat', seq: 4 };
    yield { kind: 'ended', seq: 4, why: 'timeout' };
  },
};

const project = {
  ...{ name: 'team', id: sampleId(1), displayName: 'Team', state: 'active' as const },
  quotas: Object.fromEntries(Object.keys(noQuotas).map((name) => [name, 7])) as typeof noQuotas,
  ...{ bindHosts: ['127.0.0.1'], createdAt: 1, updatedAt: 2 },
};
const key = {
  ...{ id: sampleId(1), project: 'team', name: 'ci', scopes: ['events:read' as const] },
  ...{ hint: 'kodama_abcde…wxyz', createdAt: 1, expiresAt: 2, formerSecretEndsAt: 3 },
  createdBy: { kind: 'key' as const, id: sampleId(2), hint: 'kodama_fghij…stuv' },
  ...{ lastUsedAt: 4, lastUsedIp: '192.0.2.1', revokedAt: 5 },
};
const toldKey = { ...key, secret: 'kodama_' };

const projects: Partial<World['projects']> = {
  create: async () => project,
  get: async () => project,
  getOwn: async () => ({ ...project, keyId: key.id, keyHint: key.hint, scopes: key.scopes }),
  list: async () => ({ items: [project], ...page }),
  update: async () => project,
  delete: async () => project,
  quotas: async () => [{ name: 'keys', limit: 2, used: 1 }],
};

const apiKeys: Partial<World['keys']> = {
  create: async () => toldKey,
  get: async () => key,
  list: async () => ({ items: [key], ...page }),
  rename: async () => key,
  revoke: async () => undefined,
  rotate: async () => toldKey,
};

const audit: Partial<World['audit']> = {
  list: async () => ({
    items: [
      {
        ...{ id: sampleId(1), time: 1, project: 'team', operation: 'closeListeners', count: 2 },
        actor: key.createdBy,
        resource: { kind: 'listener', id: sampleId(3), name: 'one' },
        change: { before: { state: 'failed' }, after: { state: 'closed' }, cut: ['labels'] },
        ...{ outcome: 'ok', sourceIp: '192.0.2.1', userAgent: 'agent', requestId: 'request' },
      },
    ],
    ...page,
  }),
};

const labels = { site: 'dmz' };
const node: ToldNode = {
  ...{ id: sampleId(1), name: 'dmz-1', project: 'team', labels, state: 'ready', isBuiltIn: true },
  ...{ shared: true, cordoned: true, version: '1.2.3', bootId: sampleId(2), hostname: 'dmz' },
  ...{ addresses: ['192.0.2.1'], listenHost: '0.0.0.0', portRange: { from: 4000, to: 4099 } },
  ...{ lastSeenAt: 2, lostAfterMs: 30_000, spoolRecords: 1 },
  ...{ clockOffsetMs: -3, listeners: 4, openConnections: 5, createdAt: 1 },
};
const joinToken = {
  ...{ id: sampleId(1), hint: 'kodamajoin_abcde…wxyz', labels, shared: true, uses: 2, used: 1 },
  ...{ createdBy: key.createdBy, createdAt: 1, expiresAt: 2, revokedAt: 3 },
};
const toldJoinToken = { ...joinToken, secret: 'kodamajoin_', joinUrl: 'https://gateway:8082' };

const nodes: Partial<World['nodes']> = {
  get: async () => node,
  list: async () => ({ items: [node], ...page }),
  update: async () => node,
  remove: async () => undefined,
};

const joinTokens: Partial<World['joinTokens']> = {
  create: async () => toldJoinToken,
  get: async () => joinToken,
  list: async () => ({ items: [joinToken], ...page }),
  revoke: async () => undefined,
};

type Message = Readonly<Record<string, unknown>>;

/** All that a method answers, as a client reads it. */
async function answers(method: protobuf.Method): Promise<readonly Message[]> {
  const { resolvedRequestType: request, resolvedResponseType: response } = method;
  if (request === null || response === null) throw new TypeError(`${method.fullName}: no types`);
  const bytes = Buffer.from(request.encode(request.fromObject(requestOf(request))).finish());
  const read = (answer: Buffer): Message =>
    response.toObject(response.decode(answer), { longs: Number, enums: String, oneofs: true });
  const path = `/${method.parent?.fullName.slice(1)}/${method.name}`;
  const asIs = (all: Buffer) => all;
  if (method.responseStream) {
    const all: Message[] = [];
    for await (const one of client.makeServerStreamRequest(path, asIs, read, bytes)) all.push(one);
    return all;
  }
  return await new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: Message) =>
      answer === undefined ? reject(error) : resolve([answer]);
    client.makeUnaryRequest(path, asIs, read, bytes, done);
  });
}

function requestOf(type: protobuf.Type): object {
  if (type.name === 'BatchCreateListenersRequest') return { listeners: [{}] };
  if (type.name === 'CloseListenersRequest') return { ids: ['one'] };
  if (type.name === 'CreateKeyRequest') return { name: 'ci', scopes: ['read'] };
  if (/^(Create|Get|Update|Delete)ProjectRequest$/.test(type.name)) return { name: 'team' };
  const fault = type.name === 'AddFaultRequest' && { fault: { refuse: {} } };
  const faultName = type.fields.faultName !== undefined && { faultName: 'one' };
  return type.fields.id === undefined ? {} : { id: sampleId(1), ...faultName, ...fault };
}

/** The fields that none of the messages has, they and what is within them. */
function unsaid(type: protobuf.Type, messages: readonly Message[], place = ''): readonly string[] {
  return type.fieldsArray.flatMap((field) => {
    const { name, resolvedType } = field;
    const said = messages.flatMap((message) => message[name] ?? []);
    if (said.length === 0) return [`${place}${name}`];
    const isMessage = resolvedType instanceof protobuf.Type && !field.map;
    return isMessage ? unsaid(resolvedType, said as Message[], `${place}${name}.`) : [];
  });
}

let edge: GrpcEdge;
let client: Client;

beforeAll(async () => {
  edge = await startGrpcEdge(control, { projects, apiKeys, audit, nodes, joinTokens });
  client = new Client(edge.address, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await edge[Symbol.asyncDispose]();
});

test.each(methods.map((method) => [method.name, method] as const))(
  '%s is served, and says each field of its answer',
  async (_, method) => {
    const said = await answers(method);
    expect(unsaid(method.resolvedResponseType as protobuf.Type, said)).toEqual([]);
  },
);

/** Times as core has them. */
function withMicros(value: unknown): unknown {
  if (typeof value === 'string') return parseTime(value) ?? value;
  if (Array.isArray(value)) return value.map(withMicros);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, withMicros(one)]);
  return Object.fromEntries(entries);
}

test('what core holds is what a client reads, field by field', async () => {
  const [answer] = await Promise.all(
    methods.filter(({ name }) => name === 'ListEvents').map((method) => answers(method)),
  );
  // For workers and for the store only.
  const { project: _p, revision: _r, ...shown } = wholeListener;
  expect(withMicros(plainMessage(answer?.[0]?.events))).toEqual(
    wholeEvents.map((event) => {
      if ('listener' in event) return { ...event, listener: shown };
      if ('refusal' in event) return { ...event, refusal: { ...event.refusal, listenerName } };
      return { ...event, connectionId: connection.id, connection };
    }),
  );
});
