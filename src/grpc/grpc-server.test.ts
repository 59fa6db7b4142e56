/** The edge by itself: errors, tokens, health, reflection, limits, start and stop. */
import { once } from 'node:events';
import { type ClientSessionOptions, connect as connectHttp2 } from 'node:http2';
import { connect, createServer } from 'node:net';
import {
  Client,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { call, type GrpcClient, grpcClient, streamEvents } from '../../test/support/grpc-client.ts';
import { startGrpcEdge } from '../../test/support/grpc-edge.ts';
import { healthClient } from '../../test/support/health-client.ts';
import { rejection, sampleId, sampleListener } from '../../test/support/samples.ts';
import { tokenKeys } from '../../test/support/token-keys.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError, errorCodes } from '../core/errors.ts';
import type { Keys } from '../core/keys.ts';
import type { Listener } from '../core/listener.ts';
import { messageType } from './protos.ts';
import { statuses } from './status.ts';

const token = 'a-token-of-some-length';
const getRoute = '/kodama.v1.ListenerService/GetListener';

const reason = 'the store is away: connection refused';

function storeAway(): AppError {
  return new AppError('unavailable', 'the store is away', {
    cause: new Error('connection refused'),
  });
}

async function failure(promise: Promise<unknown>): Promise<ServiceError> {
  return (await rejection(promise)) as ServiceError;
}

function getListener(client: GrpcClient, id = sampleId(1)) {
  return call((done) => client.listeners.GetListener({ id }, client.metadata, done));
}

function trailers({ metadata }: ServiceError): Record<string, unknown> {
  const { 'content-type': _, date: _date, ...rest } = metadata.getMap();
  return rest;
}

test('every code of core has its status, and is told in the trailers', async () => {
  let code: (typeof errorCodes)[number] = 'not_found';
  await using edge = await startGrpcEdge({
    async getListener() {
      throw new AppError(code, 'so it is');
    },
  });
  using client = grpcClient(edge.address);
  for (code of errorCodes) {
    const error = await failure(getListener(client));
    expect(error.code).toBe(statuses[code]);
    expect(error.metadata.get('kodama-code')).toEqual([code]);
    if (code !== 'internal') expect(error.details).toBe('so it is');
  }
});

test('details come as plain trailers and as google.rpc details', async () => {
  await using edge = await startGrpcEdge({
    async getListener() {
      throw new AppError('port_in_use', 'in use – by another', {
        owner: sampleId(9),
        errors: [{ path: 'port', message: 'is in use' }],
        retryAfterMs: 2500,
      });
    },
  });
  using client = grpcClient(edge.address);
  const error = await failure(getListener(client));
  expect(error.details).toBe('in use – by another');
  const { 'grpc-status-details-bin': bytes, ...plain } = trailers(error);
  expect(plain).toEqual({
    'kodama-code': 'port_in_use',
    'kodama-owner': sampleId(9),
    'kodama-retry-after-ms': '2500',
    'kodama-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(richDetails(bytes as Buffer)).toEqual({
    code: status.ALREADY_EXISTS,
    message: 'in use – by another',
    ErrorInfo: {
      reason: 'PORT_IN_USE',
      domain: 'kodama',
      metadata: { owner: sampleId(9), retry_after_ms: '2500' },
    },
    RequestInfo: { requestId: plain['kodama-request-id'] },
    BadRequest: { fieldViolations: [{ field: 'port', description: 'is in use' }] },
    RetryInfo: { retryDelay: { seconds: 2, nanos: 500_000_000 } },
  });
});

/** As any client would read it, from the public protos of google.rpc. */
function richDetails(bytes: Buffer) {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Any { string type_url = 1; bytes value = 2; }
    message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
    message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
    message RequestInfo { string request_id = 1; string serving_data = 2; }
    message BadRequest {
      message FieldViolation { string field = 1; string description = 2; }
      repeated FieldViolation field_violations = 1;
    }
    message Duration { int64 seconds = 1; int32 nanos = 2; }
    message RetryInfo { Duration retry_delay = 1; }
  `);
  const read = (type: string, value: Uint8Array) => {
    const found = root.lookupType(type);
    return found.toObject(found.decode(value), { longs: Number });
  };
  const { code, message, details } = read('Status', bytes) as {
    code: number;
    message: string;
    details: { typeUrl: string; value: Uint8Array }[];
  };
  const entries = details.map(({ typeUrl, value }) => {
    const [, name = ''] = /^type\.googleapis\.com\/google\.rpc\.(\w+)$/.exec(typeUrl) ?? [];
    return [name, read(name, value)];
  });
  return { code, message, ...Object.fromEntries(entries) };
}

test('a bug reads as internal outside, and its cause is logged once under the request id', async () => {
  await using edge = await startGrpcEdge({
    async getListener() {
      throw new Error('the secret cause');
    },
  });
  using client = grpcClient(edge.address);
  const error = await failure(getListener(client));
  expect(error.code).toBe(status.INTERNAL);
  expect(JSON.stringify([error.details, trailers(error)])).not.toContain('secret');
  const [requestId] = error.metadata.get('kodama-request-id');
  expect(edge.lines.filter(({ level }) => level !== 'debug')).toEqual([
    {
      level: 'error',
      message: 'a request failed',
      fields: {
        err: expect.objectContaining({ message: 'the secret cause' }),
        requestId,
        route: getRoute,
      },
    },
  ]);
});

test('while the store is away the log has a few lines of calls, and the count of the rest', async () => {
  const edge = await startGrpcEdge(
    {
      async getListener() {
        throw storeAway();
      },
    },
    { limits: { outageLinesPerSecondMax: 1 } },
  );
  using client = grpcClient(edge.address);
  const count = 20;
  const asks = Array.from({ length: count }, () => failure(getListener(client)));
  for (const { code } of await Promise.all(asks)) expect(code).toBe(status.UNAVAILABLE);
  await edge.server.stop();
  const told = edge.lines.filter(({ level }) => level !== 'debug');
  const shown = told.filter(({ message }) => message === 'not available');
  const fields = { requestId: expect.any(String), route: getRoute, reason };
  expect(shown[0]).toEqual({ level: 'warn', message: 'not available', fields });
  expect(shown.length).toBeLessThan(count);
  const leftOut = told
    .filter(({ message }) => message === 'requests not available and not shown')
    .reduce((sum, line) => sum + Reflect.get(line.fields, getRoute), 0);
  expect(shown.length + leftOut).toBe(count);
});

test('a call whose key can not be looked up is in the log', async () => {
  const keys: Keys = {
    async identify() {
      throw storeAway();
    },
    watch: tokenKeys(token).watch,
  };
  await using edge = await startGrpcEdge({}, { keys });
  using client = grpcClient(edge.address, { token });
  const error = await failure(getListener(client));
  expect(error.code).toBe(status.UNAVAILABLE);
  const [requestId] = error.metadata.get('kodama-request-id');
  expect(edge.lines).toEqual([
    { level: 'warn', message: 'not available', fields: { requestId, route: getRoute, reason } },
  ]);
});

test('a call whose caller has left is no outage', async () => {
  let isAsked = false;
  await using edge = await startGrpcEdge({
    getListener() {
      isAsked = true;
      return new Promise(() => undefined);
    },
  });
  using client = grpcClient(edge.address);
  let left: ClientUnaryCall | undefined;
  const ended = failure(
    call((done) => {
      left = client.listeners.GetListener({ id: sampleId(1) }, client.metadata, done);
    }),
  );
  await waitFor('the call', () => isAsked);
  left?.cancel();
  expect((await ended).code).toBe(status.CANCELLED);
  await waitFor('its end', () => edge.lines.some(({ message }) => message === 'call'));
  expect(edge.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
});

test("a caller's own long words do not blow up the trailers", async () => {
  await using edge = await startGrpcEdge({});
  using client = grpcClient(edge.address);
  const labels = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`${'日'.repeat(9000)}${index}`, '']),
  );
  const error = await failure(call((done) => client.listeners.CreateListener({ labels }, done)));
  expect(error.code).toBe(status.INVALID_ARGUMENT);
});

test('every wrong field is named by its path', async () => {
  await using edge = await startGrpcEdge({});
  using client = grpcClient(edge.address);
  const request = {
    name: '9',
    port: 70_000,
    limits: { idleTimeoutMs: 0 },
    faults: [{ latency: {} }, { probability: 2, refuse: {} }],
  };
  const error = await failure(call((done) => client.listeners.CreateListener(request, done)));
  const rich = richDetails(error.metadata.get('grpc-status-details-bin')[0] as Buffer);
  const fields = rich.BadRequest.fieldViolations.map(({ field }: { field: string }) => field);
  expect(fields.toSorted()).toEqual([
    'faults[0].delayMs',
    'faults[1].probability',
    'limits.idleTimeoutMs',
    'name',
    'port',
  ]);
});

test('a second authorization is refused, whichever of the two is right', async () => {
  const nothing = { listListeners: async () => ({ items: [], nextPageToken: null }) };
  await using edge = await startGrpcEdge(nothing, { keys: tokenKeys(token) });
  // Node's types do not know the option yet.
  const lax: ClientSessionOptions & { strictSingleValueFields: boolean } = {
    strictSingleValueFields: false,
  };
  const session = connectHttp2(`http://${edge.address}`, lax);
  const ask = async (authorization: string[]) => {
    const path = '/kodama.v1.ListenerService/ListListeners';
    const stream = session.request([
      ...[':method', 'POST', ':scheme', 'http', ':authority', edge.address, ':path', path],
      ...['content-type', 'application/grpc', 'te', 'trailers'],
      ...authorization.flatMap((value) => ['authorization', value]),
    ]);
    stream.end(Buffer.alloc(5)).resume();
    const trailers: Record<string, unknown> = {};
    for (const event of ['response', 'trailers']) {
      stream.on(event, (headers: object) => Object.assign(trailers, headers));
    }
    await once(stream, 'close');
    return trailers;
  };
  const [right, wrong] = [`Bearer ${token}`, 'Bearer a-token-of-somebody-else'];
  try {
    expect(await ask([right])).toMatchObject({ 'grpc-status': '0' });
    for (const both of [
      [right, wrong],
      [wrong, right],
      [right, right],
    ]) {
      expect(await ask(both)).toMatchObject({
        ...{ 'grpc-status': String(status.INVALID_ARGUMENT), 'kodama-code': 'invalid_argument' },
        'grpc-message': encodeURI('authorization: is given more than once'),
      });
    }
  } finally {
    session.close();
  }
});

test('with a token set, calls want it and health probes do not', async () => {
  await using edge = await startGrpcEdge(
    { getListener: async () => sampleListener() },
    { keys: tokenKeys(token) },
  );
  for (const wrong of [undefined, '', 'wrong', `${token}x`, token.slice(1), token.toUpperCase()]) {
    using client = grpcClient(edge.address, wrong === undefined ? {} : { token: wrong });
    expect((await failure(getListener(client))).code).toBe(status.UNAUTHENTICATED);
    using stream = streamEvents(edge.address, {}, {}, wrong === undefined ? {} : { token: wrong });
    expect((await stream.ended)?.code).toBe(status.UNAUTHENTICATED);
  }
  using client = grpcClient(edge.address, { token });
  await getListener(client);
  client.metadata.set('authorization', `bearer ${token}`);
  await getListener(client);
  client.metadata.set('authorization', `Basic ${token}`);
  expect(await failure(getListener(client))).toMatchObject({
    code: status.UNAUTHENTICATED,
    details: 'authorization: holds no valid bearer token',
  });
  using health = healthClient(edge.address);
  expect(await health.check()).toBe('SERVING');
  expect(await failure(reflect(edge.address, { listServices: '' }))).toMatchObject({
    code: status.UNAUTHENTICATED,
  });
  expect(edge.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
});

test('health tells of the whole and of each service, and lists them', async () => {
  const problems: string[] = [];
  await using edge = await startGrpcEdge({}, { problems: async () => problems });
  using health = healthClient(edge.address);
  const services = [
    ...['Listener', 'Connection', 'Event', 'Project', 'Key', 'Audit', 'Node', 'JoinToken'],
  ].map((name) => `kodama.v1.${name}Service`);
  for (const service of ['', ...services]) expect(await health.check(service)).toBe('SERVING');
  problems.push('the store is away');
  for (const service of ['', ...services]) {
    await waitFor(service, async () => (await health.check(service)) === 'NOT_SERVING');
  }
  expect((await failure(health.check('kodama.v1.Nothing'))).code).toBe(status.NOT_FOUND);
  expect(Object.keys(await health.list())).toEqual(['', ...services]);
});

test('a watcher of health sees each change, and the end', async () => {
  const problems: string[] = [];
  const edge = await startGrpcEdge({}, { problems: async () => problems });
  using health = healthClient(edge.address);
  const { seen, ended } = health.watch();
  await waitFor('serving', () => seen.length === 1);
  problems.push('the store is away');
  await waitFor('not serving', () => seen.length === 2);
  problems.pop();
  await waitFor('serving again', () => seen.length === 3);
  const begun = performance.now();
  await edge.server.stop();
  expect(performance.now() - begun).toBeLessThan(1000);
  expect((await ended).code).toBe(status.UNAVAILABLE);
  expect(seen.slice(0, 3)).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
});

test('however many ask for health, the control plane is asked once in an interval', async () => {
  let asked = 0;
  await using edge = await startGrpcEdge(
    {},
    {
      limits: { healthIntervalMs: 3_600_000 },
      async problems() {
        asked += 1;
        return [];
      },
    },
  );
  using health = healthClient(edge.address);
  const watches = [1, 2, 3].map(() => health.watch());
  await waitFor('all answers', () => watches.every(({ seen }) => seen.length === 1));
  await Promise.all([1, 2, 3].map(() => health.check()));
  expect(asked).toBe(1);
});

interface ReflectionReply {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorCode: number };
}

async function reflect(address: string, request: object, version = 'v1'): Promise<ReflectionReply> {
  const proto = `grpc/reflection/${version}/reflection.proto`;
  const includeDirs = [new URL('../proto', import.meta.resolve('@grpc/reflection')).pathname];
  const definition = loadSync(proto, { includeDirs });
  const service = definition[`grpc.reflection.${version}.ServerReflection`] as unknown as {
    ServerReflectionInfo: {
      path: string;
      requestSerialize: (value: object) => Buffer;
      responseDeserialize: (bytes: Buffer) => ReflectionReply;
    };
  };
  const method = service.ServerReflectionInfo;
  const client = new Client(address, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    new Metadata(),
  );
  try {
    return await new Promise<ReflectionReply>((resolve, reject) => {
      stream.on('data', resolve);
      stream.on('error', reject);
      stream.write(request);
    });
  } finally {
    stream.cancel();
    client.close();
  }
}

test.each(['v1', 'v1alpha'])(
  'reflection %s gives every file that a client asks for',
  async (version) => {
    await using edge = await startGrpcEdge({});
    const listed = await reflect(edge.address, { listServices: '*' }, version);
    expect(listed.listServicesResponse?.service.map(({ name }) => name).toSorted()).toEqual([
      'grpc.health.v1.Health',
      'kodama.v1.AuditService',
      'kodama.v1.ConnectionService',
      'kodama.v1.EventService',
      'kodama.v1.JoinTokenService',
      'kodama.v1.KeyService',
      'kodama.v1.ListenerService',
      'kodama.v1.NodeService',
      'kodama.v1.ProjectService',
    ]);
    const details = ['ErrorInfo', 'RequestInfo', 'BadRequest', 'RetryInfo'];
    for (const symbol of [
      'kodama.v1.EventService',
      'kodama.v1.Listener',
      'grpc.health.v1.Health',
      ...details.map((name) => `google.rpc.${name}`),
    ]) {
      const reply = await reflect(edge.address, { fileContainingSymbol: symbol }, version);
      expect(reply.fileDescriptorResponse?.fileDescriptorProto.length).toBeGreaterThan(0);
    }
    for (const fileByFilename of [
      'kodama/v1/event_service.proto',
      'google/protobuf/timestamp.proto',
      'google/protobuf/field_mask.proto',
    ]) {
      const reply = await reflect(edge.address, { fileByFilename }, version);
      const [file] = reply.fileDescriptorResponse?.fileDescriptorProto ?? [];
      // Its own name, and the names of what it imports, are in it.
      expect(file?.includes(fileByFilename)).toBe(true);
      if (fileByFilename.startsWith('kodama')) {
        expect(file?.includes('google/protobuf/duration.proto')).toBe(true);
      }
    }
    const unknown = await reflect(edge.address, { fileByFilename: 'no.proto' }, version);
    expect(unknown.errorResponse?.errorCode).toBe(status.NOT_FOUND);
  },
);

test('a request larger than the limit is refused', async () => {
  await using edge = await startGrpcEdge({}, { limits: { messageBytesMax: 10_000 } });
  using client = grpcClient(edge.address);
  const labels = { note: 'x'.repeat(10_000) };
  const error = await failure(call((done) => client.listeners.CreateListener({ labels }, done)));
  expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
});

test.each(['/kodama.v1.ListenerService/CreateListener', '/kodama.v1.EventService/StreamEvents'])(
  'bytes that are no request of %s are refused as such',
  async (path) => {
    await using edge = await startGrpcEdge({});
    const client = new Client(edge.address, credentials.createInsecure());
    const pass = (bytes: Buffer) => bytes;
    // A number that never ends.
    const stream = client.makeServerStreamRequest(path, pass, pass, Buffer.from([0x08, 0xff]));
    stream.resume();
    const error = await new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toMatch(/^the request is no /);
    client.close();
  },
);

test('a text that is not UTF-8 is refused, as REST refuses it', async () => {
  const type = messageType('CreateListenerRequest');
  const pass = (bytes: Buffer) => bytes;
  const calls: unknown[] = [];
  await using edge = await startGrpcEdge({
    createListeners: async (_, inputs) => {
      calls.push(...inputs.map(({ labels }) => labels));
      throw new AppError('unavailable', 'it is only asked here');
    },
  });
  const client = new Client(edge.address, credentials.createInsecure());
  const path = '/kodama.v1.ListenerService/CreateListener';
  const asked = Buffer.from(type.encode(type.fromObject({ labels: { u: '~~~' } })).finish());
  const end = async (value: string) => {
    const text = Buffer.from(asked.toString('latin1').replace('~~~', value), 'latin1');
    return await new Promise<ServiceError>((resolve) =>
      client.makeServerStreamRequest(path, pass, pass, text).on('error', resolve).resume(),
    );
  };
  for (const value of ['u\xe9x', '\xc3((', '\xed\xa0\x80', '\xff\xff\xff']) {
    expect(await end(value)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'a text of the request is not valid UTF-8',
    });
  }
  // U+FFFD itself is a character.
  expect(await end('\xef\xbf\xbd')).toMatchObject({ code: status.UNAVAILABLE });
  expect(calls).toEqual([{ u: '\u{fffd}' }]);
  client.close();
});

test('beyond the limit of connections the one that was idle for longest makes room', async () => {
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const held = async () => {
    calls += 1;
    await gate.promise;
    return sampleListener();
  };
  await using edge = await startGrpcEdge({ getListener: held }, { limits: { connectionsMax: 2 } });
  const { port } = edge.server.address;
  const silent = () => {
    const socket = connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .resume();
    const seen = { isClosed: false };
    socket.on('close', () => {
      seen.isClosed = true;
    });
    return { seen, [Symbol.dispose]: () => socket.destroy() };
  };
  using first = silent();
  await waitFor('the first', () => edge.server.connections === 1);
  using second = silent();
  await waitFor('the second', () => edge.server.connections === 2);
  using client = grpcClient(edge.address);
  const answer = getListener(client);
  await waitFor('its call', () => calls === 1);
  await waitFor('the end of the first', () => first.seen.isClosed);
  expect(second.seen.isClosed).toBe(false);
  // A probe is over at once, and one that watches would be no call of whom is known.
  using prober = healthClient(edge.address);
  expect(await prober.check()).toBe('SERVING');
  await waitFor('the end of the second', () => second.seen.isClosed);
  using other = grpcClient(edge.address);
  const otherAnswer = getListener(other);
  await waitFor('the other call', () => calls === 2);
  using late = silent();
  await waitFor('the refusal', () => late.seen.isClosed);
  gate.resolve();
  expect(await Promise.all([answer, otherAnswer])).toHaveLength(2);
  // Their connections stay, and have nothing under way any more.
  using next = grpcClient(edge.address);
  await waitFor('room', () =>
    getListener(next).then(
      () => true,
      () => false,
    ),
  );
});

test('what does not speak HTTP/2 is dropped, and harms no one', async () => {
  await using edge = await startGrpcEdge({ getListener: async () => sampleListener() });
  const socket = connect(edge.server.address.port, '127.0.0.1');
  let isClosed = false;
  socket
    .on('error', () => undefined)
    .on('close', () => {
      isClosed = true;
    });
  socket.resume().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await waitFor('the end of it', () => isClosed);
  using client = grpcClient(edge.address);
  await getListener(client);
});

test('a port in use, and an address that is not ours, are told as such', async () => {
  const foreign = createServer().listen(0, '127.0.0.1');
  await waitFor('the foreign server', () => foreign.listening);
  const address = foreign.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await expect(startGrpcEdge({}, { port })).rejects.toThrow(
    `gRPC cannot listen on 127.0.0.1:${port}: the address is in use`,
  );
  foreign.close();
});

test('a stop lets calls under way end, and refuses new ones', async () => {
  const answer = Promise.withResolvers<Listener>();
  let isAsked = false;
  const edge = await startGrpcEdge({
    getListener() {
      isAsked = true;
      return answer.promise;
    },
  });
  using client = grpcClient(edge.address);
  const reply = getListener(client);
  await waitFor('the call', () => isAsked);
  const stopped = edge.server.stop();
  const { port } = edge.server.address;
  const late = connect(port, '127.0.0.1');
  let isRefused = false;
  late.on('error', () => {
    isRefused = true;
  });
  await waitFor('the refusal of a new connection', () => isRefused);
  answer.resolve(sampleListener({ name: 'late' }));
  expect(await reply).toMatchObject({ listener: { name: 'late' } });
  await stopped;
  await edge.server.stop();
  await waitFor('the end of all connections', () => edge.server.connections === 0);
});

test('a stop does not wait for ever for a call that does not end', async () => {
  let isAsked = false;
  const edge = await startGrpcEdge(
    {
      getListener() {
        isAsked = true;
        return new Promise(() => undefined);
      },
    },
    { limits: { stopTimeoutMs: 100 } },
  );
  using client = grpcClient(edge.address);
  const ended = failure(getListener(client));
  await waitFor('the call', () => isAsked);
  await edge.server.stop();
  expect((await ended).code).toBe(status.UNAVAILABLE);
});

test('the port is free after a stop', async () => {
  const first = await startGrpcEdge({});
  const { port } = first.server.address;
  await first.server.stop();
  await using second = await startGrpcEdge({ getListener: async () => sampleListener() }, { port });
  using client = grpcClient(second.address);
  await getListener(client);
});
