/** What callers do not take is bounded over all of them, and costs those who read nothing. */
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { type ServiceError, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { openTls, testTls } from '../../test/support/edge-tls.ts';
import { begin, empty, ending, session } from '../../test/support/grpc-by-hand.ts';
import { call as grpcCall, grpcClient } from '../../test/support/grpc-client.ts';
import { startGrpcEdge } from '../../test/support/grpc-edge.ts';
import { callFrame, frame, frameType } from '../../test/support/http2-frames.ts';
import { long } from '../../test/support/long.ts';
import { sampleEvent, sampleListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';

const method = '/kodama.v1.ListenerService/ListListeners';
const streamMethod = '/kodama.v1.EventService/StreamEvents';
const reset = constants.NGHTTP2_ENHANCE_YOUR_CALM;
const page = {
  items: Array(100).fill(sampleListener({ labels: { text: 'x'.repeat(10_000) } })),
  nextPageToken: null,
};

/** How long an answer is on the wire. */
async function answerBytes(address: string): Promise<number> {
  using client = session(address, 10_000_000);
  const stream = begin(client, method).end(empty);
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  expect(await ending(stream)).toMatchObject({ status: status.OK });
  return bytes;
}

const control = { listListeners: async () => page };

test(
  'of many callers who take nothing those are reset that have waited longest, and no reader',
  long,
  async () => {
    const answerBytesWaitingMax = 5_500_000;
    await using edge = await startGrpcEdge(control, { limits: { answerBytesWaitingMax } });
    const bytes = await answerBytes(edge.address);
    const kept = Math.floor(answerBytesWaitingMax / bytes);
    expect(kept).toBeGreaterThan(1);
    const streams = [];
    for (let count = 0; count < kept + 20; count += 1) {
      const client = session(edge.address, 0);
      const stream = begin(client, method).end(empty);
      await once(stream, 'response');
      streams.push({ client, stream });
    }
    const early = streams.slice(0, -kept);
    await waitFor('the early ones to be reset', () =>
      early.every(({ stream }) => stream.destroyed),
    );
    expect(early.map(({ stream }) => stream.rstCode)).toEqual(early.map(() => reset));
    // A call more ends one, and is whole.
    await answerBytes(edge.address);
    expect(streams.slice(1 - kept).map(({ stream }) => stream.destroyed)).not.toContain(true);
    for (const { client } of streams) client.destroy();
    await waitFor('their end', () => edge.server.connections === 0);
    await Promise.all([1, 2, 3].map(() => answerBytes(edge.address)));
  },
);

test('a stream whose reader takes nothing ends, and its events are no longer read', async () => {
  const text = 'x'.repeat(1000);
  let running = 0;
  await using edge = await startGrpcEdge(
    {
      async *followEvents() {
        running += 1;
        try {
          for (let seq = 1; ; seq += 1) {
            const event = { ...sampleEvent({ error: text }), seq };
            yield { kind: 'events', seq, events: [event], names: new Map() } as const;
          }
        } finally {
          running -= 1;
        }
      },
    },
    { limits: { answerBytesWaitingMax: 20_000 } },
  );
  const clients = Array.from({ length: 40 }, () => session(edge.address, 0));
  const streams = clients.map((client) => begin(client, streamMethod).end(empty));
  const ended = () => streams.filter(({ destroyed }) => destroyed);
  await waitFor('the bound to hold', () => ended().length > 20 && running + ended().length === 40);
  expect(running).toBeGreaterThan(1);
  expect(new Set(ended().map(({ rstCode }) => rstCode))).toEqual(new Set([reset]));
  for (const client of clients) client.destroy();
});

test('a gRPC client that is reset is told RESOURCE_EXHAUSTED', async () => {
  await using edge = await startGrpcEdge(control, { limits: { answerBytesWaitingMax: 1000 } });
  using client = grpcClient(edge.address);
  const refused = await grpcCall((done) => client.listeners.ListListeners({}, done)).then(
    () => expect.fail('it was not refused'),
    (error: ServiceError) => error,
  );
  expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
});

test.each(['TCP', 'TLS'])(
  'who does not even read that it is reset loses the connection over %s',
  long,
  async (wire) => {
    const limits = { answerBytesWaitingMax: 20_000_000 };
    const { tls, ca } = wire === 'TLS' ? await testTls() : { tls: null, ca: undefined };
    await using edge = await startGrpcEdge(control, { limits, tls });
    const { port } = edge.server.address;
    const socket =
      ca === undefined
        ? connect(port, '127.0.0.1')
        : await openTls(port, { ca, ALPNProtocols: ['h2'] });
    socket.on('error', () => undefined);
    if (socket.connecting) await once(socket, 'connect');
    socket.pause();
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(frameType.settings, 0, 0, Buffer.from([0, 4, ...maxWindow])));
    socket.write(frame(windowUpdate, 0, 0, Buffer.from([0x7f, 0, 0, 0])));
    for (let id = 1; id < 2 * 90; id += 2) {
      socket.write(Buffer.concat([callFrame(id, method), frame(frameType.data, 1, id, empty)]));
    }
    // It may be over before anybody looks: its calls are told of.
    await waitFor('its calls', () => edge.lines.length > 0);
    await waitFor('its end', () => edge.server.connections === 0);
    using client = grpcClient(edge.address, { ...(ca !== undefined && { ca }) });
    await grpcCall((done) => client.listeners.ListListeners({}, done));
    socket.destroy();
  },
);

const windowUpdate = 8;
const maxWindow = [0x7f, 0xff, 0xff, 0xff];
