/**
 * Whatever is sent to the gRPC edge, it answers in time, with a status of its table, and lives: messages made of
 * the protos, the same with values that nobody should give, and bytes that are hardly a message.
 */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorCodes } from '../../src/core/errors.ts';
import { statuses } from '../../src/grpc/status.ts';
import { fuzzRuns, isWholeFuzz } from '../support/fuzz-runs.ts';
import { plainError } from '../support/plain-message.ts';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { commonApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import {
  aConnection,
  aListener,
  damaged,
  encode,
  type Knobs,
  messagesOf,
  methods,
} from './message-values.ts';

const answerWithinMs = 5000;
const messageBytesMax = 1_048_576;
const streamPath = '/kodama.v1.EventService/StreamEvents';
const runs = { seed: 20_261_125, endOnFailure: false };

const app = commonApp({ KODAMA_LISTENERS_MAX: '200' });
let client: Client;
let listenerId: string;
let connectionId: string;

beforeAll(async () => {
  client = new Client(app.grpcAddress, credentials.createInsecure());
  const port = await makeFixture();
  await talk(port, 'x');
  connectionId = await waitFor('the record', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?state=closed');
    return connections[0]?.id;
  });
});

afterAll(() => client.close());

async function makeFixture(): Promise<number> {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {
    name: 'fixture',
    faults: [{ type: 'latency', delayMs: 0, name: 'fixture' }],
  });
  listenerId = id;
  return laddr.port;
}

interface Request {
  readonly path: string;
  /** The message, in hexadecimal: so that a counterexample can be read. */
  readonly hex: string;
}

/** Resolves with the error, null where there was none. A stream is let go after its first message. */
function send({ path, hex }: Request): Promise<ServiceError | null> {
  const asIs = (all: Buffer) => all;
  // A wait that lasts is let go, too.
  const deadline = Date.now() + (isWait(path) ? 1000 : answerWithinMs);
  const bytes = filled(hex);
  return new Promise((resolve) => {
    if (path !== streamPath) {
      client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), { deadline }, (error) =>
        resolve(error),
      );
      return;
    }
    const stream = client.makeServerStreamRequest(path, asIs, asIs, bytes, { deadline });
    stream.once('data', () => {
      resolve(null);
      stream.cancel();
    });
    stream.on('error', (error: ServiceError) => resolve(error));
    stream.on('end', () => resolve(null));
  });
}

/** The ids that there are, in place of those that stand for them. */
function filled(hex: string): Buffer {
  const text = Buffer.from(hex, 'hex').toString('latin1');
  const ids = text.replaceAll(aListener, listenerId).replaceAll(aConnection, connectionId);
  return Buffer.from(ids, 'latin1');
}

function isWait(path: string): boolean {
  return /\/Wait\w+$/.test(path);
}

function checkAnswer({ path, hex }: Request, error: ServiceError | null): void {
  if (error === null || (isWait(path) && error.code === status.DEADLINE_EXCEEDED)) return;
  // This one is refused before we see it.
  if (hex.length / 2 > messageBytesMax) {
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    return;
  }
  expect(error.metadata.get('grpc-status-details-bin'), error.message).toHaveLength(1);
  const told = JSON.stringify(plainError(error));
  const { code, errors, detail } = plainError(error) as {
    code?: (typeof errorCodes)[number];
    errors?: readonly object[];
    detail: string;
  };
  expect(errorCodes, `${error.code} ${told}`).toContain(code);
  if (code === undefined) return;
  expect(error.code, told).toBe(statuses[code]);
  expect(['internal', 'unavailable'], told).not.toContain(code);
  expect(detail.length).toBeGreaterThan(0);
  if (code === 'invalid_argument') expect(errors?.length, told).toBeGreaterThan(0);
}

/** What a request made or changed is taken away, and the fixture is as it was. */
async function clean({ path }: Request, error: ServiceError | null): Promise<void> {
  if (error !== null || !/Create|Update|Delete|CloseListeners|Fault/.test(path)) return;
  const { listeners } = await want(200, app, 'GET', '/v1/listeners?pageSize=1000');
  for (const { id } of listeners) await call(app, 'DELETE', `/v1/listeners/${id}`);
  await makeFixture();
}

async function sendAndCheck(request: Request): Promise<ServiceError | null> {
  const error = await send(request);
  checkAnswer(request, error);
  await clean(request, error);
  return error;
}

function requests(knobs: Knobs, isDamaged = false): fc.Arbitrary<Request> {
  return fc.oneof(...methods.map((method) => requestsOf(method, knobs, isDamaged)));
}

function requestsOf(
  { path, request }: (typeof methods)[number],
  knobs: Knobs,
  isDamaged = false,
): fc.Arbitrary<Request> {
  const bytes = messagesOf(request, knobs).map((message) => encode(request, message));
  return (isDamaged ? damaged(bytes) : bytes).map((all) => ({ path, hex: all.toString('hex') }));
}

async function checked(request: Request): Promise<void> {
  await sendAndCheck(request);
}

test('a message as people send them has a status of ours, and each call succeeds now and then', async () => {
  const succeeded = new Set<string>();
  const property = fc.asyncProperty(requests({ isWild: false }), async (request) => {
    if ((await sendAndCheck(request)) === null) succeeded.add(request.path);
  });
  await fc.assert(property, { ...runs, numRuns: fuzzRuns(300) });
  if (!isWholeFuzz()) return;
  for (const method of methods) {
    const few = fc.sample(requestsOf(method, { isWild: false }), { seed: runs.seed, numRuns: 100 });
    for (const request of few) {
      if (succeeded.has(method.path)) break;
      if ((await sendAndCheck(request)) === null) succeeded.add(method.path);
    }
  }
  expect([...succeeded].sort()).toEqual(methods.map(({ path }) => path).sort());
});

test('a message with any values has a status of ours', async () => {
  const property = fc.asyncProperty(requests({ isWild: true }), checked);
  await fc.assert(property, { ...runs, numRuns: fuzzRuns(300) });
});

test('bytes that are hardly a message have a status of ours', async () => {
  const property = fc.asyncProperty(requests({ isWild: false }, true), checked);
  await fc.assert(property, { ...runs, numRuns: fuzzRuns(300) });
});

test('a message larger than any is refused, and so is a method that is none', async () => {
  const large = await send({ path: streamPath, hex: '0a'.repeat(2_000_000) });
  expect(large?.code).toBe(status.RESOURCE_EXHAUSTED);
  for (const path of ['/kodama.v1.ListenerService/Nope', '/', '/nope', '//', '/a/b/c']) {
    const error = await send({ path, hex: '' });
    expect(error?.code, path).toBe(status.UNIMPLEMENTED);
  }
});

test('after all of it the node serves', async () => {
  await want(200, app, 'GET', '/readyz');
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  expect(await talk(laddr.port, 'still here')).toBe('still here');
});
