/** `kodama wait`: what it prints and how it ends, for each way that a wait can. */
import { expect, test } from 'vitest';
import { command, jsonLines } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';
import { usedListener } from '../support/used-listener.ts';

const app = commonApp();

test('what is met is printed in JSON as the API has it', async () => {
  const { port } = await usedListener(app, 'cli-met', 2);
  const filters = ['--close-reason', 'peer_fin', '--lport', String(port), '--min-bytes-in', '5B'];
  const met = await command(app, ['wait', 'cli-met', '--count', '2', ...filters, '-o', 'json']);
  expect({ code: met.code, stderr: met.stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^met: 2, at seq \d+\n$/),
  });
  const query = `listener=cli-met&closeReason=peer_fin&min=2&max=2`;
  const { connections } = await want(200, app, 'GET', `/v1/connections:wait?${query}`);
  const seq = expect.any(Number);
  const log = expect.any(String);
  expect(jsonLines(met.stdout)).toEqual([{ met: true, count: 2, seq, log, connections }]);
});

test('what can not be met any more is told at once, with what came instead', async () => {
  const { id } = await usedListener(app, 'cli-over', 1);
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  const words = ['wait', 'cli-over', '--close-reason', 'peer_rst', '--timeout', '10h'];
  const { code, stdout, stderr } = await command(app, words);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^not counted: 127\.0\.0\.1:\d+ {2}closeReason: peer_fin, not peer_rst$/),
    'kodama: not_met: over: 0 connections matched, not 1 or more',
  ]);
});

test('that nobody comes for so long is met in silence, whoever came before', async () => {
  await usedListener(app, 'cli-none', 1);
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  const none = ['--none', '--settle', '200ms', '--after-seq', String(headSeq), '-q'];
  expect(await command(app, ['wait', 'cli-none', ...none])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
});
