/** What is bounded in number is bounded in bytes: a node's listeners, and the pages that show them, on both edges alike. */
import { expect, test } from 'vitest';
import { call as grpcCall, streamEvents } from './support/grpc-client.ts';
import { all, call, want } from './support/rest-client.ts';
import { ndjson } from './support/rest-stream.ts';
import { grpcLarge, large, nodeBytesMax, sizedApp } from './support/sized-app.ts';

/** What a client of gRPC takes as one message, where nobody has told it to take more. */
const grpcMessageBytesMax = 4_194_304;
/** A page, and the item with which it is full. */
const pageBytesMax = 1_048_576 + 131_072 + 4096;

const { app, client, headSeq, restRefusal, grpcRefusal } = sizedApp();

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
