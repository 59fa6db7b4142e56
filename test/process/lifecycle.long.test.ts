/** Restarts of whole kodamas that find something in their way. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

test('a worker that can not see that its control plane was killed is ended by the next start', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr, id, sockets } = await want(201, first, 'POST', '/v1/listeners', {});
  process.kill(sockets[0].pid, 'SIGSTOP');
  first.child.kill('SIGKILL');
  await first.exited;
  await using second = await startApp({}, home);
  const again = await want(200, second, 'GET', `/v1/listeners/${id}`);
  expect(again).toMatchObject({ state: 'listening', laddr });
  expect(await talk(laddr.port, 'mine')).toBe('mine');
});

test('a port that a foreign process holds is reported, and waited for after a restart', async () => {
  await using home = await makeHome();
  const first = await startProcess(home);
  const { laddr, id } = await want(201, first, 'POST', '/v1/listeners', {});
  first.child.kill('SIGTERM');
  await first.exited;
  const foreign = createServer().listen(laddr.port, '127.0.0.1');
  await once(foreign, 'listening');
  await using second = await startApp({}, home);
  const failed = await want(200, second, 'GET', `/v1/listeners/${id}`);
  expect(failed).toMatchObject({ state: 'failed', reason: { code: 'port_in_use' }, sockets: [] });
  const refused = await call(second, 'POST', '/v1/listeners', { port: laddr.port });
  expect(refused).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: id } });
  foreign.close();
  await waitFor(
    'the port',
    async () => (await want(200, second, 'GET', `/v1/listeners/${id}`)).state === 'listening',
  );
  expect(await talk(laddr.port, 'mine')).toBe('mine');
});
