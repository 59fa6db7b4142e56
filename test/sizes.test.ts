/** What is bounded in number is bounded in bytes: specs, batches, a node's listeners, and pages, on both edges alike. */
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type GrpcClient,
  call as grpcCall,
  grpcClient,
  streamEvents,
} from './support/grpc-client.ts';
import { all, call, want } from './support/rest-client.ts';
import { ndjson } from './support/rest-stream.ts';
import { startApp, type TestApp } from './support/test-app.ts';

const nodeBytesMax = 4_400_000;
/** What a client of gRPC takes as one message, where nobody has told it to take more. */
const grpcMessageBytesMax = 4_194_304;
/** A page, and the item with which it is full. */
const pageBytesMax = 1_048_576 + 131_072 + 4096;

let app: TestApp;
let client: GrpcClient;

beforeAll(async () => {
  // Most of what was is then read from the store, and not from memory.
  app = await startApp({}, undefined, (config) => ({
    ...config,
    listeners: { ...config.listeners, specBytesMax: nodeBytesMax },
    eventLog: { ...config.eventLog, ringBytesMax: 1_000_000 },
  }));
  client = grpcClient(app.grpcAddress);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await app[Symbol.asyncDispose]();
});

const banner = (bytes: number) => ({ type: 'banner', text: 'x'.repeat(bytes) });
const grpcBanner = (bytes: number) => ({ banner: { text: 'x'.repeat(bytes) } });
const large = { faults: [banner(60_000), banner(60_000)] };
const grpcLarge = { faults: [grpcBanner(60_000), grpcBanner(60_000)] };
const tooLarge = { faults: [banner(65_000), banner(65_000), banner(1000)] };
const grpcTooLarge = { faults: [grpcBanner(65_000), grpcBanner(65_000), grpcBanner(1000)] };

/** Code and message, as each edge has them. */
async function restRefusal(method: string, path: string, body: object) {
  const reply = await call(app, method, path, body);
  return { code: reply.body.code, detail: reply.body.detail };
}

async function grpcRefusal(send: Parameters<typeof grpcCall>[0]) {
  const error = await grpcCall(send).then(
    () => null,
    (refusal: ServiceError) => refusal,
  );
  return { code: error?.metadata.get('kodama-code')[0], detail: error?.details };
}

const headSeq = async (): Promise<number> => (await want(200, app, 'GET', '/v1/status')).headSeq;

test('a spec that is too large is refused alike, with the fields that take most', async () => {
  const before = await headSeq();
  const words = "has most of the spec's 131";
  const create = await restRefusal('POST', '/v1/listeners', tooLarge);
  expect(create.code).toBe('invalid_argument');
  expect(create.detail).toContain(`faults: ${words}`);
  const sent = grpcTooLarge;
  expect(await grpcRefusal((done) => client.listeners.CreateListener(sent, done))).toEqual(create);
  const listeners = [{}, tooLarge];
  const batch = await restRefusal('POST', '/v1/listeners:batch', { listeners });
  expect(batch.detail).toContain(`listeners[1].faults: ${words}`);
  const grpcListeners = [{}, grpcTooLarge];
  expect(
    await grpcRefusal((done) =>
      client.listeners.BatchCreateListeners({ listeners: grpcListeners }, done),
    ),
  ).toEqual(batch);
  expect(await headSeq()).toBe(before);
});

test('a batch whose answer would be too large is refused before it does anything', async () => {
  const before = await headSeq();
  const ports = { from: 41_000, to: 41_049 };
  const refusal = await restRefusal('POST', '/v1/listeners:batch', { ports, ...large });
  expect(refusal.code).toBe('invalid_argument');
  expect(refusal.detail).toMatch(/^ports: the specs are 60\d{5} bytes in sum, .* at most 1048576$/);
  expect(
    await grpcRefusal((done) =>
      client.listeners.BatchCreateListeners({ ports, each: grpcLarge }, done),
    ),
  ).toEqual(refusal);
  expect(await headSeq()).toBe(before);
  const listed = { listeners: Array.from({ length: 8 }, () => ({ faults: [banner(60_000)] })) };
  const { listeners } = await want(201, app, 'POST', '/v1/listeners:batch', listed);
  for (const { id } of listeners) await want(204, app, 'DELETE', `/v1/listeners/${id}`);
});

test('a change that changes nothing leaves no event, and one that makes too much is refused', async () => {
  const { id } = await want(201, app, 'POST', '/v1/listeners', { faults: [banner(60_000)] });
  const before = await headSeq();
  const path = `/v1/listeners/${id}`;
  const listener = await want(200, app, 'GET', path);
  expect(await want(200, app, 'PATCH', path, {})).toEqual(listener);
  expect(await want(200, app, 'PATCH', path, { faults: [banner(60_000)] })).toEqual(listener);
  await grpcCall((done) => client.listeners.UpdateListener({ id }, done));
  const again = { id, faults: [grpcBanner(60_000)] };
  await grpcCall((done) => client.listeners.UpdateListener(again, done));
  expect(await headSeq()).toBe(before);
  const refusal = await restRefusal('PATCH', path, tooLarge);
  expect(refusal).toMatchObject({ code: 'invalid_argument' });
  expect(
    await grpcRefusal((done) => client.listeners.UpdateListener({ id, ...grpcTooLarge }, done)),
  ).toEqual(refusal);
  expect(await headSeq()).toBe(before);
  await want(204, app, 'DELETE', path);
});

/** Every item of a list over gRPC, page by page, each of a size that a client takes. */
async function allOverGrpc<Item, Page extends { nextPageToken?: string }>(
  read: (pageToken: string) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Promise<readonly (readonly Item[])[]> {
  const pages: (readonly Item[])[] = [];
  for (let token = ''; ; ) {
    const page = await read(token);
    pages.push(itemsOf(page));
    token = page.nextPageToken ?? '';
    if (token === '') return pages;
  }
}

test('a node full of large listeners refuses more alike, and shows them all in pages that fit', async () => {
  const since = await headSeq();
  const ids: string[] = [];
  let reply = await call(app, 'POST', '/v1/listeners', large);
  for (; reply.status === 201; reply = await call(app, 'POST', '/v1/listeners', large)) {
    ids.push(reply.body.id);
    if (ids.length > 100) break;
  }
  expect(reply).toMatchObject({
    status: 429,
    body: { code: 'resource_exhausted', limit: 'specBytesMax', limitValue: nodeBytesMax },
  });
  const refusal = { code: reply.body.code, detail: reply.body.detail };
  expect(await grpcRefusal((done) => client.listeners.CreateListener(grpcLarge, done))).toEqual(
    refusal,
  );
  await pagesShow(ids, since);

  // A small one still fits, and can not grow until something ends.
  const { id } = await want(201, app, 'POST', '/v1/listeners', {});
  expect(await restRefusal('PATCH', `/v1/listeners/${id}`, large)).toEqual(refusal);
  const [one, ...others] = ids;
  await want(204, app, 'DELETE', `/v1/listeners/${one}`);
  await want(200, app, 'PATCH', `/v1/listeners/${id}`, large);
  for (const other of [id, ...others]) await want(204, app, 'DELETE', `/v1/listeners/${other}`);
});

/** Each listener has two events since. */
async function pagesShow(ids: readonly string[], since: number): Promise<void> {
  const newestFirst = ids.toReversed();
  expect(ids.length * 120_000).toBeGreaterThan(grpcMessageBytesMax);
  const overGrpc = await allOverGrpc(
    (pageToken) =>
      grpcCall<{ nextPageToken?: string; listeners?: { id?: string }[] }>((done) =>
        client.listeners.ListListeners({ pageToken }, done),
      ),
    ({ listeners = [] }) => listeners.map(({ id }) => id),
  );
  expect(overGrpc.flat()).toEqual(newestFirst);
  expect(overGrpc.length).toBeGreaterThan(3);
  expect((await all(app, '/v1/listeners', 'listeners')).map(({ id }) => id)).toEqual(newestFirst);

  const events = await all(app, `/v1/events?afterSeq=${since}`, 'events');
  const seqs = events.map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 2 * ids.length }, (_, index) => since + 1 + index));
  expect(events.every(({ listener }) => listener.faults.length === 2)).toBe(true);
  for (const path of ['/v1/listeners', `/v1/events?afterSeq=${since}`]) {
    const page = await call(app, 'GET', path);
    expect(JSON.stringify(page.body).length).toBeLessThan(pageBytesMax);
  }
  // With a filter too, which reads another way.
  const filter = `type=listener_created&listenerId=${ids.slice(0, 12).join('&listenerId=')}`;
  const filtered = await all(app, `/v1/events?afterSeq=${since}&${filter}`, 'events');
  expect(filtered.map(({ listenerId }) => listenerId)).toEqual(ids.slice(0, 12));
  const eventPages = await allOverGrpc(
    (pageToken) =>
      grpcCall<{ nextPageToken?: string; events?: { seq?: string }[] }>((done) =>
        client.events.ListEvents({ afterSeq: since, pageSize: 1000, pageToken }, done),
      ),
    (one) => (one.events ?? []).map(({ seq }) => Number(seq)),
  );
  expect(eventPages.flat()).toEqual(seqs);

  const streamed: unknown[] = [];
  const path = `${app.url}/v1/events?afterSeq=${since}&endAtHead=true`;
  for await (const { event } of ndjson(path)) if (event !== undefined) streamed.push(event);
  expect(streamed).toEqual(events);
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: since, endAtHead: true });
  expect(await stream.ended).toBeNull();
  expect(stream.events.map(({ seq }) => seq)).toEqual(seqs);
}
