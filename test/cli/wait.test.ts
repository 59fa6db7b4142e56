/** `kodama wait` and `kodama events wait`: what it prints and how it ends, for each way that a wait can. */
import { expect, test } from 'vitest';
import { command, jsonLines } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
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

test('events are waited for by their filters: refusals, of which there is no connection', async () => {
  const limits = { denyCidrs: ['127.0.0.0/8'] };
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'cli-denied', limits });
  for (const _ of [1, 2]) await talk(laddr.port, 'hello').catch(() => undefined);
  const filter = ['--listener', 'cli-denied', '--type', 'connection_refused'];
  const wait = (...words: readonly string[]) => command(app, ['events', 'wait', ...words]);
  const json = await wait(...filter, '--count', '2', '-o', 'json');
  expect(json.stderr).toMatch(/^met: 2, at seq \d+\n$/);
  const query = 'listener=cli-denied&type=connection_refused&min=2&max=2';
  const { events, log } = await want(200, app, 'GET', `/v1/events:wait?${query}`);
  const seq = expect.any(Number);
  expect(jsonLines(json.stdout)).toEqual([{ met: true, count: 2, seq, log, events }]);

  const lines = await wait(...filter, '--at-least', '1', '--limit', '1', '--raddr', '127.0.0.1');
  expect(lines.stdout).toMatch(/^ +\d+ {2}\S+ {2}connection_refused +cli-denied .* deny_cidrs\n$/);
  expect(lines.stderr).toMatch(/^met: 2, of which the oldest 1 are shown, at seq \d+\n$/);
  const after = ['--after-seq', String(events[0].seq), '--log', log, '--count', '1', '-q'];
  expect(await wait(...filter, ...after)).toEqual({ code: 0, stdout: '', stderr: '' });
  const other = await wait(...filter, '--after-seq', '1', '--log', 'of-another');
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('cursor_expired') });
});

test('events that are not there in time, or can not come any more, end a wait with 3', async () => {
  const { id } = await usedListener(app, 'cli-events-over', 1);
  const wait = (...words: readonly string[]) =>
    command(app, ['events', 'wait', '--listener', 'cli-events-over', ...words]);
  const many = await wait('--type', 'connection_closed', '--none', '--timeout', '10h');
  expect(many).toMatchObject({ code: 3, stdout: '' });
  expect(many.stderr).toContain('kodama: not_met: exceeded: 1 event matched, not 0\n');
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  const over = await wait('--type', 'connection_refused', '--timeout', '10h');
  expect(over).toMatchObject({ code: 3, stdout: '' });
  expect(over.stderr).toMatch(
    /^not counted: seq \d+ 127\.0\.0\.1:\d+ {2}types: connection_closed, not connection_refused$/m,
  );
  expect(over.stderr).toMatch(/^not counted: seq \d+ listener_closed {2}types: .*$/m);
  expect(over.stderr).toMatch(/^kodama: not_met: over: 0 events matched, not 1 or more$/m);
});

test('a wait for events refuses what only the log takes, and bounds that can not be', async () => {
  for (const [words, told] of [
    ['--since 5m', '--since is not for a wait'],
    ['--last 3', '--last is not for a wait'],
    ['-f', '--follow is not for a wait'],
    ['--until-synced', '--until-synced is not for a wait'],
    ['--settle 2s --timeout 1s', '--settle is longer than --timeout'],
    ['--at-least 2 --at-most 1', '--at-least is above --at-most'],
    ['--count 1 --none', "cannot be used with option '--none'"],
    ['--type connection_lost', 'Allowed choices are'],
  ] as const) {
    const { code, stdout, stderr } = await command(app, ['events', 'wait', ...words.split(' ')]);
    expect({ code, stdout }, words).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(told);
  }
});
