/** Two processes with one node id on one database: the one that has it goes on, until its end. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { begin } from '../support/printed-run.ts';
import { want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { makeHome, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

test('a second process waits while the first goes on as it was, and starts at its end', async () => {
  await using home = await makeHome({ KODAMA_NODE_ID: `one-${randomUUID()}` });
  await using first = await startProcess(home);
  const { laddr } = await want(201, first, 'POST', '/v1/listeners', { name: 'kept' });
  await using client = await openClient(laddr.port);
  await client.echo('before');
  const second = begin({ ...home.environment, KODAMA_LOG_LEVEL: 'info' });
  try {
    await waitFor('its word', () => second.output.stdout.includes('another process has this node'));
    await client.echo('while it waits');
    expect(await want(200, first, 'GET', '/v1/listeners/kept')).toMatchObject({
      ...{ state: 'listening', openConnections: 1 },
    });
    first.child.kill('SIGKILL');
    await first.exited;
    await waitFor('its start', () => second.output.stdout.includes('"msg":"ready"'), 20_000);
  } finally {
    second.child.kill('SIGKILL');
    await second.ended;
  }
});

test('a process that was killed does not hold up the next', async () => {
  await using home = await makeHome({ KODAMA_NODE_ID: `one-${randomUUID()}` });
  await using first = await startProcess(home);
  first.child.kill('SIGKILL');
  await first.exited;
  await using second = await startProcess(home);
  expect(second.lines.join()).not.toContain('another process has this node id');
});
