import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
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
