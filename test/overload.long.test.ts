/**
 * More than kodama can take: what is beyond a limit is refused by its name or shed, the rest is served, and memory
 * stays bounded. Each limit is in docs/limits.md.
 */
import { type ClientRequest, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { memoryOf } from './chaos/processes.ts';
import { call as grpcCall, grpcClient, streamEvents } from './support/grpc-client.ts';
import { refusals } from './support/history.ts';
import {
  callFrame,
  continuation,
  endlessHeaders,
  frameType,
  pingFrame,
  type RawHttp2,
  rawHttp2,
  resetFrame,
  settingsFrame,
} from './support/http2-frames.ts';
import { call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** CLIENTS=18000 npx vitest run test/overload.long.test.ts -t 'clients at once': with as many as the system allows. */
const clientsAtOnce = Number(process.env.CLIENTS ?? 3000);
const connectAtOnce = 200;
const mebi = 1 << 20;

interface Crowd extends AsyncDisposable {
  readonly sockets: readonly Socket[];
  /** Clients that got back what they sent. */
  readonly echoed: number;
  /** Clients whose connection was ended by the other side. */
  readonly ended: number;
}

/** Clients that connect, send a byte each and stay. */
async function crowd(port: number, count: number): Promise<Crowd> {
  const sockets: Socket[] = [];
  const seen = { echoed: 0, ended: 0 };
  const one = async (index: number) => {
    const localAddress = `127.7.${index >> 8}.${index & 255}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.once('data', () => {
      seen.echoed += 1;
    });
    const closed = new Promise<void>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        seen.ended += 1;
        resolve();
      });
    });
    await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
    socket.write('x');
  };
  let next = 0;
  const some = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: connectAtOnce }, some));
  return {
    sockets,
    get echoed() {
      return seen.echoed;
    },
    get ended() {
      return seen.ended;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await waitFor('the crowd to leave', () => seen.ended === count);
    },
  };
}

async function openConnections(app: TestApp, id: string): Promise<number> {
  return (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections;
}

test('a worker without a file left refuses by name, keeps what is open, and has room again later', async () => {
  await using home = await makeHome();
  const openFilesMax = 400;
  await using app = await startProcess(home, {}, { openFilesMax });
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using early = await openClient(laddr.port);
  expect(await early.echo('early')).toBe('early');
  const wanted = openFilesMax + 100;
  {
    await using many = await crowd(laddr.port, wanted);
    await waitFor('everyone to know', () => many.echoed + many.ended === wanted);
    expect(many.echoed).toBeGreaterThan(100);
    expect(many.ended).toBeGreaterThan(100);
    const told = await refusals(app, id, many.ended);
    expect(new Set(told.map(({ rule }) => rule))).toEqual(new Set(['worker_capacity']));
    const refused = await call(app, 'POST', '/v1/listeners', {});
    expect(refused).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
    expect(await early.echo('still here')).toBe('still here');
  }
  await waitFor('them to be gone', async () => (await openConnections(app, id)) === 1);
  expect(await talk(laddr.port, 'room')).toBe('room');
  await want(201, app, 'POST', '/v1/listeners', {});
});

test('a control plane without a file left sheds new callers, serves those it has, and recovers', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, {}, { openFilesMax: 300 });
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  using stream = streamEvents(app.grpcAddress, {});
  await stream.synced;
  for (const port of [app.httpPort, app.grpcPort]) {
    await using _flood = await crowd(port, 500);
    expect(await talk(laddr.port, 'x')).toBe('x');
    await waitFor('the events', () => stream.events.length >= 2);
  }
  await waitFor('the events', () => stream.events.length >= 4);
  await waitFor(
    'the API',
    async () => (await call(app, 'GET', '/readyz').catch(() => null))?.status === 200,
  );
  expect(app.child.exitCode).toBeNull();
  expect(stream.events.map(({ seq }) => seq)).toEqual(stream.events.map((_, index) => index + 3));
});

test('thousands of clients at once are all echoed and counted, and cost little each', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  const { id, laddr, sockets } = await want(201, app, 'POST', '/v1/listeners', {
    limits: { maxConnections: clientsAtOnce },
  });
  const worker = sockets[0].pid;
  const before = { worker: memoryOf(worker), control: memoryOf(app.pid) };
  {
    await using many = await crowd(laddr.port, clientsAtOnce);
    await waitFor('every echo', () => many.echoed === clientsAtOnce, 60_000);
    await waitFor('every record', async () => (await openConnections(app, id)) === clientsAtOnce);
    expect(await talk(laddr.port, 'one more').catch(() => 'reset')).toBe('reset');
    const perClient = (memoryOf(worker) - before.worker) / clientsAtOnce;
    expect(perClient).toBeLessThan(16_384);
    expect(memoryOf(app.pid) - before.control).toBeLessThan(256 * mebi);
  }
  await waitFor('every end', async () => (await openConnections(app, id)) === 0, 60_000);
  const { totalConnections } = await want(200, app, 'GET', `/v1/listeners/${id}`);
  expect(totalConnections).toBe(clientsAtOnce);
}, 240_000);

test('a thousand streams over both edges all get each event, and one more is refused by name', async () => {
  const streamsMax = 1000;
  const perConnection = 100;
  await using home = await makeHome();
  await using app = await startProcess(home);
  let got = 0;
  const requests: ClientRequest[] = [];
  for (let index = 0; index < streamsMax / 2; index++) {
    const request = get(`${app.url}/v1/events`, {
      agent: false,
      headers: { accept: 'application/x-ndjson' },
    });
    requests.push(request);
    request.on('error', () => undefined);
    request.on('response', (response) => {
      const lines = createInterface(response);
      lines.on('error', () => undefined);
      lines.on('line', (line) => {
        if (line.includes('listener_listening')) got += 1;
      });
    });
  }
  const clients = Array.from({ length: streamsMax / 2 / perConnection }, () =>
    grpcClient(app.grpcAddress),
  );
  for (const client of clients) {
    for (let index = 0; index < perConnection; index++) {
      const stream = client.events.StreamEvents({}, client.metadata);
      stream.on('error', () => undefined);
      stream.on('data', ({ event }) => {
        if (event?.type === 'EVENT_TYPE_LISTENER_LISTENING') got += 1;
      });
    }
  }
  const metric = /^kodama_streams (\d+)$/m;
  await waitFor('all streams', async () => {
    const text: string = await want(200, app, 'GET', '/metrics');
    return Number(metric.exec(text)?.[1]) === streamsMax;
  });
  const refused = await call(app, 'GET', '/v1/events', undefined, {
    accept: 'application/x-ndjson',
  });
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'resource_exhausted', limit: 'followersMax', limitValue: streamsMax },
  });
  await want(201, app, 'POST', '/v1/listeners', {});
  await waitFor('the event on each', () => got === streamsMax);
  for (const request of requests) request.destroy();
  for (const client of clients) client[Symbol.dispose]();
});

test('callers that send nothing, or for ever, are let go, while others are served', async () => {
  await using app = await startApp({}, undefined, (config) => ({
    ...config,
    http: {
      ...config.http,
      limits: { ...config.http.limits, headersTimeoutMs: 500, requestTimeoutMs: 1000 },
    },
  }));
  const starts = [
    '',
    'GET /v1/listeners HTTP/1.1\r\nhost: localhost\r\nx-slow: ',
    'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
  ];
  const sockets = Array.from({ length: 400 }, (_, index) => {
    const socket = connect({ port: app.httpPort, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.on('connect', () => socket.write(starts[index % starts.length] ?? ''));
    // A byte now and then keeps no one here.
    const drip = setInterval(() => socket.write(index % starts.length === 0 ? '' : 'x'), 100);
    socket.on('close', () => clearInterval(drip));
    socket.resume();
    return socket;
  });
  await want(201, app, 'POST', '/v1/listeners', {});
  await waitFor('all of them to be let go', () => sockets.every(({ closed }) => closed));
  await want(200, app, 'GET', '/v1/listeners');
});

/** While it lasts another caller is served. */
async function underFlood(
  app: TestApp & { readonly pid: number },
  flood: (raw: RawHttp2) => Promise<void>,
): Promise<RawHttp2> {
  using client = grpcClient(app.grpcAddress);
  const before = memoryOf(app.pid);
  const raw = await rawHttp2(app.grpcPort);
  let isOver = false;
  const flooding = flood(raw).then(() => {
    isOver = true;
  });
  do {
    const listed = await grpcCall((done) => client.listeners.ListListeners({}, done));
    expect(listed).toBeDefined();
  } while (!isOver);
  await flooding;
  expect(memoryOf(app.pid) - before).toBeLessThan(96 * mebi);
  return raw;
}

const getListener = '/kodama.v1.ListenerService/GetListener';
const streamId = (index: number) => 2 * index + 1;
const floods: readonly { what: string; flood: (raw: RawHttp2) => Promise<void>; isCut: boolean }[] =
  [
    {
      what: 'calls that are reset as fast as they are made',
      flood: (raw) =>
        raw.flood(20_000, (index) =>
          Buffer.concat([callFrame(streamId(index), getListener), resetFrame(streamId(index))]),
        ),
      isCut: true,
    },
    {
      what: 'headers without an end',
      flood: (raw) =>
        raw.flood(50_000, (index) => (index === 0 ? endlessHeaders(1) : continuation(1))),
      isCut: true,
    },
    {
      what: 'pings whose answers are not read',
      flood: (raw) => {
        raw.socket.pause();
        return raw.flood(20_000, () => pingFrame).then(() => void raw.socket.resume());
      },
      isCut: false,
    },
    {
      what: 'settings',
      flood: (raw) => raw.flood(20_000, () => settingsFrame),
      isCut: false,
    },
  ];

test.each(floods)(
  'a flood over HTTP/2 of $what is stopped or borne, and costs no one else',
  async ({ flood, isCut }) => {
    await using home = await makeHome();
    await using app = await startProcess(home);
    using raw = await underFlood(app, flood);
    if (isCut) await waitFor('the end of it', () => raw.isClosed);
    expect((await call(app, 'GET', '/readyz')).status).toBe(200);
  },
);

test('a connection that makes more calls at once than it was told it may is ended with GOAWAY', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  using raw = await rawHttp2(app.grpcPort);
  const callsMax = 100;
  // Each waits for a message that never comes.
  await raw.flood(callsMax + 1, (index) => callFrame(streamId(index), getListener));
  await waitFor('the end of it', () => raw.isClosed);
  const goAway = raw.frames.find(({ type }) => type === frameType.goAway);
  expect(goAway?.payload.toString()).toContain('max concurrent streams exceeded');
  using client = grpcClient(app.grpcAddress);
  await grpcCall((done) => client.listeners.ListListeners({}, done));
});

test('a connection to the gRPC port that does nothing, or does not answer a ping, is let go', async () => {
  await using app = await startApp({}, undefined, (config) => ({
    ...config,
    grpc: {
      ...config.grpc,
      limits: {
        ...config.grpc.limits,
        idleConnectionMs: 300,
        keepaliveIntervalMs: 200,
        keepaliveTimeoutMs: 200,
      },
    },
  }));
  using idle = await rawHttp2(app.grpcPort);
  using deaf = await rawHttp2(app.grpcPort);
  await deaf.flood(1, () => callFrame(1, getListener));
  await waitFor('the end of both', () => idle.isClosed && deaf.isClosed);
  const isPing = ({ type }: { readonly type: number }) => type === frameType.ping;
  expect(deaf.frames.some(isPing)).toBe(true);
  using client = grpcClient(app.grpcAddress);
  await grpcCall((done) => client.listeners.ListListeners({}, done));
});
