import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { call, want } from '../../test/support/rest-client.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { waitFor } from '../../test/support/wait-for.ts';

test('the address is the one that was really bound', async () => {
  await using edge = await restEdge();
  expect(edge.server.address).toEqual({ ip: '127.0.0.1', port: expect.any(Number) });
  await want(200, edge, 'GET', '/healthz');
});

test('a port that is taken fails the start, and leaves nothing behind', async () => {
  const foreign = createServer().listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  const address = foreign.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await expect(restEdge({ port })).rejects.toThrow(
    /^REST cannot listen on 127\.0\.0\.1:\d+: the address is in use$/,
  );
  foreign.close();
  await once(foreign, 'close');
  await using edge = await restEdge({ port });
  expect(edge.port).toBe(port);
});

test('a stop lets a request that is under way end', async () => {
  await using edge = await restEdge();
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  const under = call(edge, 'POST', '/v1/listeners', {});
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  const stopped = edge.server.stop();
  gate.resolve();
  expect(await under).toMatchObject({ status: 201 });
  await stopped;
  await expect(fetch(`${edge.url}/healthz`)).rejects.toThrow();
});

test('a stop cuts what does not end within its bound', async () => {
  await using edge = await restEdge({ limits: { stopTimeoutMs: 100 } });
  const gate = Promise.withResolvers<void>();
  edge.dataPlane.gates.open = gate.promise;
  const under = call(edge, 'POST', '/v1/listeners', {});
  await waitFor('the bind', () => edge.dataPlane.calls.length === 1);
  await Promise.all([edge.server.stop(), expect(under).rejects.toThrow()]);
  gate.resolve();
});

test('a stop waits for no connection on which nothing is asked', async () => {
  await using edge = await restEdge({ limits: { stopTimeoutMs: 60_000 } });
  const unused = connect(edge.port, '127.0.0.1');
  await once(unused, 'connect');
  const kept = connect(edge.port, '127.0.0.1');
  kept.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(kept, 'data');
  const closed = Promise.all([once(unused, 'close'), once(kept, 'close')]);
  unused.resume();
  kept.resume();
  await edge.server.stop();
  await closed;
});

test('a stop is idempotent', async () => {
  await using edge = await restEdge();
  const first = edge.server.stop();
  expect(edge.server.stop()).toBe(first);
  await first;
  await edge.server.stop();
});
