/** The stop of a kodama that has its hands full: in order, within its bound, and by force when asked twice. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { streamEvents } from '../support/grpc-client.ts';
import { hangingStop } from '../support/hanging-stop.ts';
import { all, type Reply, want } from '../support/rest-client.ts';
import { collect, ndjson, serverSent } from '../support/rest-stream.ts';
import { openClient } from '../support/tcp-client.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** Says what the socket sends, as it is, and reads nothing that comes back. */
async function deafClient(port: number, text: string) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(text);
  return { socket, [Symbol.asyncDispose]: async () => void socket.destroy() };
}

test('a stop with open streams and connections ends in order, within its bound', async () => {
  const many = 100;
  await using home = await makeHome();
  await using cleanup = new AsyncDisposableStack();
  const app = cleanup.use(await startProcess(home));
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = listener.laddr;
  const clients = await Promise.all(Array.from({ length: many }, () => openClient(port)));
  for (const client of clients) cleanup.use(client);
  await Promise.all(clients.map((client) => client.echo('x')));
  // One whose buffers are full in both directions.
  const stuck = cleanup.use(await deafClient(port, 'x'.repeat(16_000_000)));

  const grpc = cleanup.use(streamEvents(app.grpcAddress, {}, { afterSeq: 0 }));
  const deaf = cleanup.use(streamEvents(app.grpcAddress, {}, { afterSeq: 0 }));
  deaf.call.pause();
  const sse = collect(serverSent(`${app.url}/v1/events?afterSeq=0`));
  const lines = collect(ndjson(`${app.url}/v1/events?afterSeq=0`));
  await grpc.synced;
  const stream = 'GET /v1/events?afterSeq=0 HTTP/1.1\r\nhost: localhost\r\n';
  const half = 'POST /v1/listeners HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{';
  cleanup.use(await deafClient(app.httpPort, `${stream}accept: application/x-ndjson\r\n\r\n`));
  cleanup.use(await deafClient(app.httpPort, half));
  cleanup.use(await deafClient(app.httpPort, ''));
  cleanup.use(await deafClient(app.grpcPort, ''));
  await waitFor('the records', async () => {
    const { openConnections } = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
    return openConnections === many + 1;
  });

  app.child.kill('SIGTERM');
  // Beyond the bound it would be 1.
  expect(await app.exited).toBe(0);
  expect((await grpc.ended)?.code).toBe(status.UNAVAILABLE);
  const [backlog, ends] = [await lines, await sse];
  expect(backlog.length).toBeGreaterThan(many);
  expect(ends.length).toBeGreaterThan(many);
  await Promise.all(clients.map(({ ended }) => ended));
  stuck.socket.destroy();

  const after = cleanup.use(await startApp({}, home));
  const path = `/v1/connections?listener=${listener.id}`;
  const history: Reply['body'][] = await all(after, path, 'connections');
  expect(history).toHaveLength(many + 1);
  expect(new Set(history.map(({ closeReason }) => closeReason))).toEqual(new Set(['shutdown']));
});

test('a second signal forces the end of a stop that hangs', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, { KODAMA_SHUTDOWN_TIMEOUT_MS: '600000' });
  await want(201, app, 'POST', '/v1/listeners', {});
  await hangingStop(app);
  expect(app.child.exitCode).toBeNull();
  // What comes a moment after the first is taken for its echo.
  const again = setInterval(() => app.child.kill('SIGINT'), 50);
  onTestFinished(() => clearInterval(again));
  expect(await app.exited).toBe(130);
});

test('a stop that hangs ends at its bound, and says so', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, { KODAMA_SHUTDOWN_TIMEOUT_MS: '1000' });
  await want(201, app, 'POST', '/v1/listeners', {});
  await hangingStop(app);
  expect(await app.exited).toBe(1);
  expect(app.lines.at(-1)).toContain('could not stop in time');
});
