/** What a person sees of a kodama in a terminal: the banner, and a line for each thing that happens. */
import { expect, test } from 'vitest';
import { startText } from './support/printed-run.ts';
import { call, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

test('each step of a tour is one line, and neither calls nor probes are any', async () => {
  await using home = await makeHome();
  const app = await startText(home);
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'tour' });
  const client = await openClient(laddr.port);
  const { localPort } = client.socket;
  await client.echo('hello');
  await client[Symbol.asyncDispose]();
  await waitFor('its end', () => app.lines().some((line) => line.includes('disconnected')));
  for (const path of ['/healthz', '/readyz', '/metrics', '/v1/listeners', '/v1/none']) {
    await call(app, 'GET', path);
  }
  await want(200, app, 'PATCH', '/v1/listeners/tour', { limits: { maxConnections: 5 } });
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  await app.stop();
  const lines = app.lines();
  const from = lines.findIndex((line) => line.startsWith('tour:'));
  const raddr = `127.0.0.1:${localPort}`;
  const where = `protocol=tcp laddr=127.0.0.1:${laddr.port}`;
  expect(lines.slice(from).map((line) => line.replace(/durationMs=\d+/, 'durationMs=0'))).toEqual([
    `tour: listening ${where}`,
    `tour: ${raddr} connected`,
    `tour: ${raddr} disconnected reason=peer_fin initiator=peer bytesIn=5 bytesOut=5 durationMs=0`,
    `tour: changed ${where}`,
    `tour: closed ${where} connections=1`,
    'stopping signal=SIGTERM',
    'stopped',
    '',
  ]);
});
