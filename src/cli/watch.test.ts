import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { command, jsonLines } from '../../test/support/command.ts';
import { Refused } from './failure.ts';
import { openSession } from './session.ts';
import { Terminal } from './terminal.ts';
import { watch } from './watch.ts';

const refuse = (status: number, code: string, detail: string) => (response: ServerResponse) =>
  response.writeHead(status).end(JSON.stringify({ status, code, detail }));

const list =
  (...names: readonly string[]) =>
  (response: ServerResponse) =>
    response.end(JSON.stringify({ listeners: names.map((name) => ({ name })) }));

/** Answers the nth list with the nth of these, and tells of something new with each. */
async function serve(...answers: readonly ((response: ServerResponse) => void)[]) {
  const streams: ServerResponse[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/v1/events')) {
      streams.push(response);
      response.writeHead(200).write('{"seq":7,"synced":{}}\n');
      return;
    }
    answers[asked]?.(response);
    asked += 1;
    for (const stream of streams) stream.write(`{"seq":${7 + asked},"event":{}}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A terminal, and what is printed there, each time. */
function screen() {
  const printed: string[] = [];
  const stdout = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      printed.push(text);
      done();
    },
  });
  Object.assign(stdout, { isTTY: true, rows: 10, columns: 100 });
  const terminal = new Terminal({ isColorRefused: true, stdout, stderr: new Writable() });
  return { terminal, printed };
}

test('what refuses the list for a while ends no picture, and is told in its title', async () => {
  await using server = await serve(
    list('one'),
    refuse(503, 'unavailable', 'the database is away'),
    refuse(429, 'resource_exhausted', 'too many calls'),
    list('one', 'two'),
    refuse(404, 'not_found', 'no such project'),
  );
  const { terminal, printed } = screen();
  const session = openSession({ url: server.url, output: 'table' }, { token: null, terminal });
  const watching = watch(session, {
    list: () => session.client.list('listeners', {}),
    filter: {},
    rowOf: () => undefined,
    isPast: () => false,
    columns: [{ title: 'NAME', cell: ({ name }) => name }],
  });
  const end = await watching.catch((error: unknown) => error);
  expect(end).toBeInstanceOf(Refused);
  expect(end).toMatchObject({ problem: { code: 'not_found' } });
  expect(printed).toEqual([
    expect.stringMatching(/all 1\nNAME\none\n$/),
    expect.stringContaining(
      'kodama: the list is not answered (the database is away): asking again',
    ),
    expect.stringContaining('kodama: the list is not answered (too many calls): asking again'),
    expect.stringMatching(/all 2, at seq \d+\nNAME\none\ntwo\n$/),
  ]);
});

/** A kodama that has this list, and whose log says so until it is no longer kept. */
async function recorded(list: object, rows: readonly object[], later: readonly object[]) {
  const events = (all: readonly object[]) => all.map((event) => ({ seq: 8, event }));
  const log = [...events(rows), { seq: 8, synced: {} }, ...events(later)];
  const lines = [...log, { error: { code: 'cursor_expired', detail: 'it is no longer kept' } }];
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/v1/status')) response.end('{"headSeq":7}');
    else if (url.startsWith('/v1/events'))
      response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    else response.end(JSON.stringify(list));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('in a pipe nothing is shown again that the list knew, and nothing backwards', async () => {
  const at = { acceptedAt: '2026-11-24T12:00:00.000000Z' };
  const row = (id: string, state: 'open' | 'half_closed' | 'closed', bytesIn = 0) => ({
    ...{ id, state, bytesIn, ...at },
    halfClosedAt: state === 'half_closed' ? at.acceptedAt : null,
    closedAt: state === 'closed' ? at.acceptedAt : null,
  });
  const connections = [row('a', 'closed', 9), row('b', 'half_closed', 9), row('c', 'open', 9)];
  await using server = await recorded(
    { connections },
    [
      row('a', 'open'),
      row('b', 'open'),
      row('c', 'open'),
      row('a', 'half_closed'),
      row('a', 'closed', 9),
      row('b', 'half_closed'),
      row('b', 'closed', 9),
      row('d', 'open'),
    ].map((connection) => ({ connection })),
    [row('c', 'closed', 9), row('d', 'half_closed')].map((connection) => ({ connection })),
  );
  const { code, stdout } = await command(server, ['connections', '-w', '-o', 'json']);
  expect(code).toBe(1);
  expect(jsonLines(stdout).map(({ id, state }) => `${id} ${state}`)).toEqual([
    ...['c open', 'b half_closed', 'a closed'],
    ...['b closed', 'd open', 'c closed', 'd half_closed'],
  ]);
});

test('of a listener, too, the log tells nothing that the list knew', async () => {
  const row = (id: string, state: string, second: number, openConnections = 0) => ({
    ...{ id, state, openConnections, updatedAt: `2026-11-24T12:00:0${second}.000000Z` },
  });
  const listeners = [row('a', 'listening', 1, 5), row('b', 'failed', 2), row('c', 'pending', 1)];
  await using server = await recorded(
    { listeners },
    [
      row('a', 'pending', 1),
      row('a', 'listening', 1),
      row('b', 'listening', 1),
      row('b', 'failed', 2),
      row('c', 'pending', 1),
      row('c', 'listening', 1),
      row('b', 'listening', 3),
    ].map((listener) => ({ listener })),
    // Who says so next may have another clock.
    [row('a', 'failed', 0)].map((listener) => ({ listener })),
  );
  const { stdout } = await command(server, ['listeners', '-w', '-o', 'json']);
  expect(jsonLines(stdout).map(({ id, state }) => `${id} ${state}`)).toEqual([
    ...['c pending', 'b failed', 'a listening'],
    ...['c listening', 'b listening', 'a failed'],
  ]);
});
