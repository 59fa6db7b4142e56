/** Streams that end by themselves say so, in each form. */
import { expect, test } from 'vitest';
import { streamEvents } from './support/grpc-client.ts';
import { want } from './support/rest-client.ts';
import { collect, ndjson } from './support/rest-stream.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

test('after so many events, and after so long', async () => {
  const { id } = await want(201, app, 'POST', '/v1/listeners', {});
  const path = `/v1/events?afterSeq=0&listener=${id}`;
  const { events, log } = await want(200, app, 'GET', path);
  const [first, second] = events.map(({ seq }: { seq: number }) => seq);
  const lines = await collect(ndjson(`${app.url}${path}&maxEvents=1`));
  expect(lines).toMatchObject([{ seq: first }, { seq: first, ended: { why: 'max_events' } }]);
  const late = await collect(ndjson(`${app.url}${path}&timeoutMs=50`));
  expect(late.at(-1)).toEqual({ seq: expect.any(Number), ended: { why: 'timeout' } });
  expect(late.at(-1)?.seq).toBeGreaterThanOrEqual(second);
  const accept = { accept: 'text/event-stream' };
  const text = await (await fetch(`${app.url}${path}&maxEvents=2`, { headers: accept })).text();
  const data = JSON.stringify({ seq: second, why: 'max_events' });
  expect(text.endsWith(`id: ${second}:${log}\nevent: ended\ndata: ${data}\n\n`)).toBe(true);
  const bounds = { afterSeq: 0, maxEvents: 2, timeout: { seconds: 60 } };
  using stream = streamEvents(app.grpcAddress, { listenerIds: [id] }, bounds);
  expect(await stream.ended).toBeNull();
  expect(stream.messages.at(-1)).toMatchObject({
    ...{ seq: String(second), payload: 'ended' },
    ended: { why: 'STREAM_END_MAX_EVENTS' },
  });
  for (const query of ['maxEvents=0', 'timeoutMs=86400001']) {
    const refused = await want(400, app, 'GET', `${path}&${query}`, undefined, accept);
    expect(refused.errors).toHaveLength(1);
  }
  const { errors } = await want(400, app, 'GET', `${path}&maxEvents=1`);
  expect(errors).toMatchObject([
    { path: 'maxEvents', message: expect.stringContaining('streams') },
  ]);
});
