/** The log and the history through the command. */
import { expect, test } from 'vitest';
import { beginProgram, command, jsonLines } from '../support/command.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { collect, ndjson } from '../support/rest-stream.ts';
import { openClient, talk } from '../support/tcp-client.ts';
import { commonApp } from '../support/test-app.ts';
import { usedListener } from '../support/used-listener.ts';
import { waitFor } from '../support/wait-for.ts';

const app = commonApp();

test('the log is printed to its newest event, and in JSON as the API has it, line for line', async () => {
  const { id } = await usedListener(app, 'cli-log', 1);
  const url = `${app.url}/v1/events?listenerId=${id}&afterSeq=0&endAtHead=true`;
  const lines = await collect(ndjson(url));
  const json = await command(app, ['events', '--listener', 'cli-log', '-o', 'json']);
  expect(json).toMatchObject({ code: 0, stderr: '' });
  expect(jsonLines(json.stdout).slice(0, -1)).toEqual(lines.slice(0, -1));
  expect(jsonLines(json.stdout).at(-1)).toEqual({ seq: expect.any(Number), synced: {} });
  const text = await command(app, ['events', '--listener', 'cli-log', '--last', '1']);
  expect(text.stdout).toMatch(
    /^ +\d+ {2}\S+ {2}connection_closed +cli-log +127\.0\.0\.1:\d+ +peer_fin by peer {2}in 5 out 5 {2}\d+\.\d{3} s\n$/,
  );
});

test('a follower says that it is ready, and not before it has what happened before', async () => {
  const { port } = await usedListener(app, 'cli-follow', 1);
  const words = [
    'events',
    '-f',
    '--after-seq',
    '0',
    '--listener',
    'cli-follow',
    '--type',
    'connection_closed',
  ];
  const { output, child, ended } = beginProgram(app, words);
  await waitFor('ready', () => output.stderr.includes('kodama: ready, and following from seq'));
  expect(output.stdout.trim().split('\n')).toHaveLength(1);
  await talk(port, 'again');
  await waitFor('the second end', () => output.stdout.trim().split('\n').length === 2);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 'SIGINT' });
});

test('connections are listed as the API has them, and one of them is told with its timeline', async () => {
  await usedListener(app, 'cli-history', 2);
  const { connections } = await want(200, app, 'GET', '/v1/connections?listener=cli-history');
  const filter = [
    '--listener',
    'cli-history',
    '--raddr',
    '127.0.0.0/8',
    '--close-reason',
    'peer_fin',
  ];
  const json = await command(app, ['connections', ...filter, '--since', '5m', '-o', 'json']);
  expect(jsonLines(json.stdout)).toEqual(connections);
  const cut = await command(app, ['connections', ...filter, '--limit', '1', '-o', 'wide']);
  expect(cut.stdout.trim()).toMatch(new RegExp(`^ACCEPTED .* ID\\n.* ${connections[0].id}$`));
  expect(cut.stderr).toBe(
    'kodama: the newest connection is shown and there are more: --limit N shows so many, ' +
      `--before ${connections[0].acceptedAt} older ones\n`,
  );
  // The time itself is not before it.
  const older = ['--before', connections[0].acceptedAt, '-o', 'json'];
  const before = await command(app, ['connections', ...filter, ...older]);
  expect(jsonLines(before.stdout)).toEqual([connections[1]]);
  const one = await command(app, ['connection', connections[1].id]);
  expect(one.stdout).toMatch(/^socket +pid \d+ fd \d+$/m);
  expect(one.stdout).toMatch(/^last byte +2.*\n(.*\n)*silent at end +\d+\.\d{3} s$/m);
  expect(one.stdout).toMatch(/ opened .*\n.* closed .*\n$/);
});

test('a list that goes on in a pipe prints what has changed', long, async () => {
  const { port } = await usedListener(app, 'cli-watch', 1);
  const words = ['connections', '-w', '--listener', 'cli-watch', '--state', 'open', '-o', 'json'];
  const { output } = beginProgram(app, words);
  await waitFor('ready', () => output.stderr.includes('kodama: ready'));
  expect(output.stdout).toBe('');
  await talk(port, 'hello');
  // The one that was shown as open is shown again when it is closed; the one of before never was open here.
  await waitFor('both rows', () => output.stdout.split('\n').length === 3);
  const [open, closed] = jsonLines(output.stdout);
  expect(open).toMatchObject({ state: 'open' });
  expect(closed).toMatchObject({ id: open.id, state: 'closed', closeReason: 'peer_fin' });
});

test('a list of what was accepted before a time does not go on: nobody comes to it', async () => {
  const words = ['connections', '-w', '--before', '5m'];
  expect(await command(app, words)).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringContaining("'-w, --watch' cannot be used with option '--before <time>'"),
  });
});

test('a list of what was accepted from a time on goes on with those alone', async () => {
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'cli-since' });
  await using first = await openClient(laddr.port);
  await first.echo('a');
  await using second = await openClient(laddr.port);
  await second.echo('a');
  const open = '/v1/connections:wait?listener=cli-since&state=open&min=2';
  const { connections } = await want(200, app, 'GET', open);
  const [, two] = connections;
  const words = ['connections', '-w', '--listener', 'cli-since', '--since', two.acceptedAt];
  const { output } = beginProgram(app, [...words, '-o', 'json']);
  await waitFor('ready', () => output.stderr.includes('kodama: ready'));
  expect(jsonLines(output.stdout)).toMatchObject([{ id: two.id, state: 'open' }]);
  first.socket.end();
  await want(200, app, 'GET', '/v1/connections:wait?listener=cli-since&state=closed&min=1');
  second.socket.end();
  // The log tells of them in the order of their ends.
  await waitFor('the end of the second', () => output.stdout.includes('"closed"'));
  expect(jsonLines(output.stdout).map(({ id, state }) => [id, state])).toEqual([
    [two.id, 'open'],
    [two.id, 'closed'],
  ]);
});

test('a list by declared address goes on with those alone', async () => {
  const proxyProtocol = { mode: 'required' };
  const input = { name: 'cli-declared', proxyProtocol };
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', input);
  const from = (ip: string) => talk(laddr.port, `PROXY TCP4 ${ip} 198.51.100.2 1 443\r\nhello`);
  await from('192.0.2.1');
  await from('192.0.3.1');
  await want(200, app, 'GET', '/v1/connections:wait?listener=cli-declared&state=closed&min=2');
  const addresses = ['--raddr', '127.0.0.1', '--declared', '192.0.2.0/24'];
  const filter = ['--listener', 'cli-declared', ...addresses];
  const { output } = beginProgram(app, ['connections', '-w', ...filter, '-o', 'json']);
  await waitFor('ready', () => output.stderr.includes('kodama: ready'));
  await from('192.0.3.2');
  await from('192.0.2.2');
  await waitFor('the end of the last', () => /192\.0\.2\.2.*"closed"/.test(output.stdout));
  const shown = jsonLines(output.stdout).map(({ declaredRaddr: { ip } }) => ip);
  expect(new Set(shown)).toEqual(new Set(['192.0.2.1', '192.0.2.2']));
  // In a table it is told which of them each is.
  const table =
    /^ACCEPTED +LISTENER +RADDR +DECLARED +LADDR .* END\n(.* 192\.0\.2\.[12]:1 .*\n){2}$/;
  expect((await command(app, ['connections', ...filter])).stdout).toMatch(table);
  const met = ['wait', 'cli-declared', '--count', '2', ...addresses];
  expect((await command(app, met)).stdout).toMatch(table);
  const all = await command(app, ['connections', '--listener', 'cli-declared']);
  expect(all.stdout).not.toContain('DECLARED');
  const watched = beginProgram(app, ['connections', '-w', ...filter]);
  await waitFor('ready', () => watched.output.stderr.includes('kodama: ready'));
  expect(watched.output.stdout).toMatch(table);
});

test('whoever stops reading ends it without a complaint', long, async () => {
  await usedListener(app, 'cli-head', 1);
  const { child, ended, output } = beginProgram(app, ['events', '-f', '--after-seq', '0']);
  child.stdout?.once('data', () => child.stdout?.destroy());
  await waitFor('the first lines', () => output.stdout !== '');
  // What is written next finds nobody.
  await usedListener(app, 'cli-head-two', 1);
  const { code, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('EPIPE') });
});
