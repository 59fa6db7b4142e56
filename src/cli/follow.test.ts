import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Refused, Unreachable } from './failure.ts';
import { type Followed, follow } from './follow.ts';
import { RestClient } from './rest-client.ts';

const problem = (status: number, code: string) => ({ status, code, detail: code });

/** Answers the nth request with the nth of these; the last one again and again. */
async function serve(...answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://x').search);
    answers[Math.min(asked.length, answers.length) - 1]?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = new RestClient({ url, ca: null, token: null, project: null });
  return {
    asked,
    client,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const lines =
  (...texts: readonly string[]) =>
  (response: ServerResponse) =>
    response.writeHead(200).write(texts.join('\n'));

/** Cuts the connection behind what is written. */
const cut =
  (...texts: readonly string[]) =>
  (response: ServerResponse) =>
    response.writeHead(200).write(texts.join('\n'), () => response.destroy());

const refuse = (status: number, code: string) => (response: ServerResponse) =>
  response.writeHead(status).end(JSON.stringify(problem(status, code)));

async function take(items: AsyncGenerator<Followed>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const { line } of items) {
    taken.push(line);
    if (taken.length === count) break;
  }
  return taken;
}

test('what breaks off goes on behind the last whole line, whatever it broke with', async () => {
  await using server = await serve(
    cut('{"seq":7,"synced":{}}', '{"seq":8,"heartbeat":{}}', '{"seq":9,"ev'),
    refuse(503, 'unavailable'),
    // As a proxy does while kodama restarts.
    (response) => response.writeHead(502).end('<html>Bad Gateway</html>'),
    (response) => response.writeHead(503).end('{"message":"no upstream"}'),
    (response) =>
      response.end('{"seq":9,"heartbeat":{}}\n{"error":{"code":"unavailable","detail":""}}\n'),
    lines('{"seq":10,"heartbeat":{}}', ''),
  );
  const said: string[] = [];
  const { client } = server;
  const query = { type: 'connection_closed' };
  const items = follow({ client, query, start: { fromNow: true }, say: (text) => said.push(text) });
  expect(await take(items, 4)).toEqual([
    '{"seq":7,"synced":{}}',
    '{"seq":8,"heartbeat":{}}',
    '{"seq":9,"heartbeat":{}}',
    '{"seq":10,"heartbeat":{}}',
  ]);
  const filter = '?type=connection_closed';
  expect(server.asked).toEqual([
    `${filter}&fromNow=true`,
    ...new Array(4).fill(`${filter}&afterSeq=8`),
    `${filter}&afterSeq=9`,
  ]);
  // Each loss is told once, however often it was tried to go on.
  expect(said).toEqual([
    expect.stringMatching(/^kodama: the connection is lost .* resuming after seq 8$/),
    'kodama: connected again, after seq 8',
    expect.stringMatching(/ resuming after seq 9$/),
    'kodama: connected again, after seq 9',
  ]);
});

test('it goes on in the log that the first line named, and ends where that is another one', async () => {
  await using server = await serve(
    cut('{"seq":7,"log":"a","synced":{}}', '{"seq":8,"heartbeat":{}}', ''),
    cut('{"seq":9,"log":"a","heartbeat":{}}', ''),
    refuse(410, 'cursor_expired'),
  );
  const { client } = server;
  const items = follow({ client, query: {}, start: { fromNow: true }, say() {} });
  await expect(take(items, 4)).rejects.toThrow(Refused);
  expect(server.asked).toEqual(['?fromNow=true', '?afterSeq=8&log=a', '?afterSeq=9&log=a']);
});

test('what cannot pass by itself ends it, also later', async () => {
  await using server = await serve(cut('{"seq":7,"synced":{}}', ''), refuse(410, 'cursor_expired'));
  const { client } = server;
  const items = follow({ client, query: {}, start: { afterSeq: 6 }, say() {} });
  await expect(take(items, 2)).rejects.toThrow(Refused);
  expect(server.asked).toEqual(['?afterSeq=6', '?afterSeq=7']);
});

test('a first connection that fails is not tried again', async () => {
  await using server = await serve((response) => response.destroy());
  const { client } = server;
  const items = follow({ client, query: {}, start: { fromNow: true }, say() {} });
  await expect(take(items, 1)).rejects.toThrow(Unreachable);
  expect(server.asked).toHaveLength(1);
});

test('what is to end at the head gives up where kodama is gone', async () => {
  await using server = await serve(
    cut('{"seq":7,"event":{}}', ''),
    refuse(503, 'unavailable'),
    (response) => response.end('{"seq":8,"heartbeat":{}}\n{"error":{"code":"unavailable"}}\n'),
    (response) => response.destroy(),
  );
  const { client } = server;
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  const query = { endAtHead: true };
  const items = follow({ client, query, start: { afterSeq: 0 }, goneMs: 500, say });
  await expect(take(items, Number.POSITIVE_INFINITY)).rejects.toThrow(Unreachable);
  // It has tried to go on, before and behind what came.
  expect(server.asked.slice(0, 3)).toEqual([
    '?endAtHead=true&afterSeq=0',
    ...new Array(2).fill('?endAtHead=true&afterSeq=7'),
  ]);
  expect(server.asked.at(-1)).toBe('?endAtHead=true&afterSeq=8');
  expect(said.at(-1)).toMatch(/ resuming after seq 8$/);
});

test('what is to end at the head ends well only where it was told that it is there', async () => {
  await using server = await serve(
    (response) => response.end('{"seq":7,"event":{}}\n'),
    (response) => response.end(),
    (response) => response.end('{"seq":8,"event":{}}\n{"seq":8,"synced":{}}\n'),
  );
  const { client } = server;
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  const items = follow({ client, query: { endAtHead: true }, start: { afterSeq: 0 }, say });
  expect(await take(items, Number.POSITIVE_INFINITY)).toEqual([
    '{"seq":7,"event":{}}',
    '{"seq":8,"event":{}}',
    '{"seq":8,"synced":{}}',
  ]);
  expect(said).toEqual([
    expect.stringMatching(/the stream ended\): resuming after seq 7$/),
    'kodama: connected again, after seq 7',
  ]);
});

test('a first answer without a line is of none', async () => {
  await using server = await serve((response) => response.end());
  const { client } = server;
  for (const query of [{}, { endAtHead: true }]) {
    const items = follow({ client, query, start: { afterSeq: 0 }, say() {} });
    await expect(take(items, 1)).rejects.toThrow(Unreachable);
  }
  expect(server.asked).toHaveLength(2);
});

test('what is to end at the head gives up where streams end without a line', async () => {
  await using server = await serve(cut('{"seq":7,"event":{}}', ''), (response) => response.end());
  const { client } = server;
  const query = { endAtHead: true };
  const items = follow({ client, query, start: { afterSeq: 0 }, goneMs: 200, say() {} });
  await expect(take(items, Number.POSITIVE_INFINITY)).rejects.toThrow(Unreachable);
});

test.each(['<html>Sign in</html>', 'null', '7', '{"status":"ok"}'])(
  'whoever answers with lines such as %s is no kodama',
  async (text) => {
    await using server = await serve((response) => response.end(`${text}\n`));
    const { client } = server;
    const items = follow({ client, query: { endAtHead: true }, start: { afterSeq: 0 }, say() {} });
    await expect(take(items, 1)).rejects.toThrow(/: its stream is none of a kodama$/);
  },
);

test('a follower that is stopped ends, while it reads and while it waits', async () => {
  for (const answer of [lines('{"seq":7,"synced":{}}', ''), cut('{"seq":7,"synced":{}}', '')]) {
    await using server = await serve(answer, refuse(503, 'unavailable'));
    const stop = new AbortController();
    const { client } = server;
    const { signal } = stop;
    const items = follow({ client, query: {}, start: {}, signal, say: () => stop.abort() });
    const seen: string[] = [];
    for await (const { line } of items) {
      seen.push(line);
      setImmediate(() => stop.abort());
    }
    expect(seen).toEqual(['{"seq":7,"synced":{}}']);
  }
});
