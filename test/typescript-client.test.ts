/** The client package as its users have it: against a real kodama, over cuts. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { beforeAll, describe, expect, test } from 'vitest';
import { follow } from '../clients/typescript/src/events.ts';
import {
  EchoListener,
  type Event,
  Kodama,
  KodamaError,
  type Listener,
  startKodama,
  UnreachableError,
} from '../clients/typescript/src/index.ts';
import { Rest } from '../clients/typescript/src/rest.ts';
import { long } from './support/long.ts';
import { want } from './support/rest-client.ts';
import { rejection } from './support/samples.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { commonApp, nodeMain } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();
let kodama: Kodama;
beforeAll(() => {
  kodama = new Kodama({ url: app.url });
});

test('a listener is made, found, changed, and gone when it is disposed of', async () => {
  let id: string;
  {
    await using listener = await kodama.listen({ name: 'typed', labels: { of: 'client' } });
    id = listener.id;
    expect(await talk(listener.port, 'hello')).toBe('hello');
    expect(await kodama.updateListener('typed', { labels: { of: 'change' } })).toMatchObject({
      id,
    });
    const listed = await Array.fromAsync(kodama.listeners({ label: ['of=change'] }));
    expect(listed.map((one) => one.id)).toEqual([id]);
    await listener.wait({ closeReason: 'peer_fin' });
    const [connection] = await Array.fromAsync(listener.connections());
    expect(connection).toMatchObject({ listenerName: 'typed', bytesIn: 5 });
    expect(await kodama.getConnection(connection?.id ?? '')).toEqual(connection);
  }
  expect(await kodama.getListener(id)).toMatchObject({ state: 'closed' });
});

const hasIpv6 = Object.values(networkInterfaces()).some((some) =>
  some?.some(({ address }) => address === '::1'),
);

test.each([['0.0.0.0', '127.0.0.1'] as const, ...(hasIpv6 ? [['::', '::1'] as const] : [])])(
  'a UDP listener on %s hears at the host that is told',
  async (host, told) => {
    await using listener = await kodama.listen({ protocol: 'udp', host });
    expect(listener.host).toBe(told);
    const socket = createSocket(isIPv6(told) ? 'udp6' : 'udp4');
    try {
      socket.send('hello', listener.port, listener.host);
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
      expect(String(answer)).toBe('hello');
    } finally {
      socket.close();
    }
  },
);

test('a listener on all addresses is reached at the host of kodama', async () => {
  const of = (ip: string, url: string) => {
    const laddr = { ip, port: 9001 };
    return new EchoListener(new Kodama({ url }), { laddr } as Listener).host;
  };
  for (const ip of ['0.0.0.0', '::']) {
    expect(of(ip, 'https://kodama.example:8443/behind')).toBe('kodama.example');
  }
  expect(of('::', 'http://[2001:db8::1]:8080')).toBe('2001:db8::1');
  // Nobody hears there who listens on the addresses of the other family.
  expect(() => of('0.0.0.0', 'http://[2001:db8::1]:8080')).toThrow('no address is known');
  for (const host of ['127.0.0.1', '127.0.0.9', 'localhost', '[::1]']) {
    expect(of('0.0.0.0', `http://${host}:8080`)).toBe('127.0.0.1');
    expect(of('::', `http://${host}:8080`)).toBe('::1');
  }
  expect(of('192.0.2.2', 'http://127.0.0.1:8080')).toBe('192.0.2.2');
});

test('a URL may end in /v1 and in slashes, and an empty one is none, as for the command', () => {
  for (const [given, url] of [
    ['http://kodama.example:8080/v1', 'http://kodama.example:8080'],
    ['http://kodama.example:8080/v1//', 'http://kodama.example:8080'],
    ['https://kodama.example/behind///', 'https://kodama.example/behind'],
    ['', 'http://127.0.0.1:8080'],
  ] as const) {
    using _ = variables({ KODAMA_URL: given });
    expect(new Kodama().url, given).toBe(url);
    expect(new Kodama({ url: given }).url, given).toBe(url);
  }
});

test.each([
  { url: 'localhost:48180' },
  { url: '127.0.0.1:48180' },
  { url: 'ftp://kodama.example' },
  { url: 'http://me:secret@kodama.example' },
  { url: 'http://kodama.example/?' },
  { url: 'http://kodama.example/#key=x' },
  { token: 'ends in a line break\n' },
  { token: 'token\n' },
  { project: '木' },
])('what no repeat would ever mend is told at once: %j', (options) => {
  const making = () => new Kodama({ url: app.url, ...options });
  expect(making).toThrow(TypeError);
  expect(making).toThrow(/^(url|token|project), or KODAMA_/);
  expect(making).not.toThrow('secret');
});

test('what is no key of a repeat is told at once, and spaces around a URL are not of it', async () => {
  const spaced = new Kodama({ url: ` ${app.url} ` });
  for (const idempotencyKey of ['木', 'a b', '']) {
    const call = spaced.createListener({}, { idempotencyKey });
    await expect(call, idempotencyKey).rejects.toThrow(TypeError);
  }
  expect(spaced.url).toBe(app.url);
  expect(await spaced.status()).toMatchObject({ version: expect.any(String) });
});

test('what is refused is thrown with its code and its fields', async () => {
  const refused = kodama.createListener({ port: -1 });
  await expect(refused).rejects.toBeInstanceOf(KodamaError);
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_argument',
    status: 400,
    problem: { errors: [{ path: 'port' }] },
  });
});

describe('a wait', () => {
  test('is met by what comes, and by what was there', async () => {
    await using listener = await kodama.listen();
    const coming = listener.wait({ state: 'open' });
    await using client = await openClient(listener.port);
    await client.echo('x');
    const { count, seq } = await coming;
    expect(count).toBe(1);
    expect(await listener.wait({ state: 'open', timeoutMs: 0 })).toMatchObject({ met: true });
    await expect(listener.wait({ afterSeq: seq, timeoutMs: 0 })).rejects.toMatchObject({
      ...{ code: 'not_met', why: 'timeout', count: 0 },
    });
  });

  test('says what nearly matched', async () => {
    await using listener = await kodama.listen();
    await talk(listener.port, 'hello');
    await listener.wait({ closeReason: 'peer_fin' });
    const waiting = listener.wait({ closeReason: 'peer_rst', timeoutMs: 0 });
    await expect(waiting).rejects.toThrow(/near .*127\.0\.0\.1:\d+.*closeReason: peer_fin, not/);
  });

  test('goes on over a cut, and ends when it is given up', async () => {
    await using proxy = await cuttingProxy(app.httpPort);
    await using listener = await kodama.listen();
    const far = new Kodama({ url: proxy.url });
    const waiting = far.wait({ listener: listener.id, timeoutMs: 20_000 });
    await waitFor('the call', () => proxy.open() > 0);
    proxy.cut();
    await talk(listener.port, 'hello');
    expect(await waiting).toMatchObject({ count: 1 });
    const stop = new AbortController();
    const never = far.wait({ listener: listener.id, min: 9, timeoutMs: 60_000 }, stop.signal);
    await waitFor('the second call', () => proxy.open() > 0);
    stop.abort(new Error('given up'));
    await expect(never).rejects.toThrow('given up');
  });
});

describe('a long wait', () => {
  const notMet = told(409, 'not_met', { why: 'timeout' });
  const over = told(409, 'not_met', { why: 'over' });
  const crowded = told(429, 'resource_exhausted');
  const met = lines(JSON.stringify({ met: true, count: 1, seq: 9, connections: [] }));

  test('goes on where one of its calls is refused for what passes', async () => {
    await using server = await answering(notMet, crowded, notMet, crowded, met);
    expect(await server.kodama.wait({ timeoutMs: 120_000 })).toMatchObject({ count: 1 });
    expect(server.asked).toHaveLength(5);
  });

  test('does not begin where its first call is refused so, nor go on where it can not be met', async () => {
    await using full = await answering(crowded, met);
    await expect(full.kodama.wait({ timeoutMs: 120_000 })).rejects.toMatchObject({
      code: 'resource_exhausted',
    });
    await using server = await answering(notMet, over, met);
    await expect(server.kodama.wait({ timeoutMs: 120_000 })).rejects.toMatchObject({ why: 'over' });
  });

  test.each([
    [60_000, 20_000, 60_000],
    [60_000, 0, 60_000],
    [61_000, 0, 30_000],
    [120_000, 40_000, 60_000],
    [90_000, 40_000, 45_000],
    [0, 0, 0],
    [Number.POSITIVE_INFINITY, 0, 30_000],
    [Number.POSITIVE_INFINITY, 40_000, 41_000],
    [Number.POSITIVE_INFINITY, 60_000, 60_000],
  ])('of %d ms that is to hold for %i asks for %i at once', async (timeoutMs, settleMs, ownMs) => {
    await using server = await answering(over);
    await expect(server.kodama.wait({ timeoutMs, settleMs })).rejects.toThrow('not_met');
    expect(server.asked).toHaveLength(1);
    const { searchParams } = new URL(server.asked[0] ?? '', 'http://localhost');
    expect(searchParams.get('timeoutMs')).toBe(`${ownMs}`);
  });
});

test('events go on over cuts, without a gap and nothing twice', async () => {
  await using proxy = await cuttingProxy(app.httpPort);
  await using listener = await kodama.listen();
  const far = new Kodama({ url: proxy.url });
  const seen: Event[] = [];
  let isSynced = false;
  const onSynced = () => {
    isSynced = true;
  };
  const query = { listenerId: [listener.id], afterSeq: 0 };
  let talks = 0;
  for await (const event of far.events(query, { onSynced })) {
    seen.push(event);
    if (event.type === 'listener_listening') await waitFor('a connection', () => proxy.open() > 0);
    if (event.type === 'connection_closed') proxy.cut();
    const closed = seen.filter(({ type }) => type === 'connection_closed').length;
    if (closed === 5) break;
    if (event.type !== 'connection_opened') {
      talks += 1;
      void talk(listener.port, 'hello');
    }
  }
  expect(isSynced).toBe(true);
  // What was said and not waited for is on record, so that the head stays where it is.
  const closed = `/v1/connections?listener=${listener.id}&state=closed`;
  await waitFor('every connection to be closed', async () => {
    const { connections } = await want(200, app, 'GET', closed);
    return connections.length === talks;
  });
  const { headSeq } = await kodama.status();
  const all = await Array.fromAsync(kodama.events({ ...query, endAtHead: true }));
  expect(all.at(-1)?.seq).toBeLessThanOrEqual(headSeq);
  expect(seen.map(({ seq }) => seq)).toEqual(all.slice(0, seen.length).map(({ seq }) => seq));
});

test('a stream ends after so many events', async () => {
  await using listener = await kodama.listen();
  expect(await Array.fromAsync(listener.events({ maxEvents: 2 }))).toMatchObject([
    { type: 'listener_created' },
    { type: 'listener_listening' },
  ]);
});

test('the events of a listener begin where that is said, and else with its first', async () => {
  await using listener = await kodama.listen();
  const types = async (query: Parameters<typeof listener.events>[0]) => {
    const events = await Array.fromAsync(listener.events({ ...query, endAtHead: true }));
    return events.map(({ type }) => type);
  };
  const all = ['listener_created', 'listener_listening'];
  expect(await types({})).toEqual(all);
  // What is undefined is no start.
  expect(await types({ afterSeq: undefined } as object)).toEqual(all);
  expect(await types({ last: 1 })).toEqual(['listener_listening']);
  expect(await types({ since: '2026-01-01T00:00:00Z' })).toEqual(all);
  expect(await types({ fromNow: true })).toEqual([]);
  const { headSeq } = await kodama.status();
  expect(await types({ afterSeq: headSeq })).toEqual([]);
});

test(
  'a kodama of its own starts beside what is set for others, and nothing of it is left',
  long,
  async () => {
    using _ = variables({
      DATABASE_URL: 'postgresql://application@127.0.0.1:9/production',
      KODAMA_APPLY: '/nowhere/listeners.yaml',
      KODAMA_TLS_CERT: '/nowhere/cert.pem',
      KODAMA_TLS_KEY: '/nowhere/key.pem',
      KODAMA_GATEWAY_PORT: 'none',
      KODAMA_API_TOKEN: 'the-token-of-another',
      KODAMA_PROJECT: 'of-another',
    });
    const [program = '', ...words] = nodeMain;
    let url: string;
    let pid: number;
    {
      const environment = {
        KODAMA_API_TOKEN: 'the-token-of-this-one',
        KODAMA_LOG_LEVEL: 'error',
        KODAMA_LOG_FORMAT: 'text',
      };
      await using own = await startKodama({ command: [program, ...words], environment });
      ({ url, pid } = own);
      await using listener = await own.listen();
      expect(await talk(listener.port, 'hello')).toBe('hello');
      await expect(new Kodama({ url, project: '' }).status()).rejects.toMatchObject({
        status: 401,
      });
    }
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(new Kodama({ url }).status()).rejects.toThrow('does not answer');
  },
);

test('a kodama that does not get ready in time is told with what it printed', long, async () => {
  const command = ['sh', '-c', 'echo thinking; echo hard >&2; exec sleep 60'] as const;
  const started = startKodama({ command, timeoutMs: 2000 });
  await expect(started).rejects.toThrow(
    /not ready within 2000 ms\n(thinking\nhard|hard\nthinking)/,
  );
});

/** Of this process, for as long as this lasts. */
function variables(given: Readonly<Record<string, string>>): Disposable {
  const before = { ...process.env };
  Object.assign(process.env, given);
  return {
    [Symbol.dispose]() {
      for (const name of Object.keys(given)) delete process.env[name];
      Object.assign(process.env, before);
    },
  };
}

/** In front of REST: whoever is connected can be cut off. */
async function cuttingProxy(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ port, host: '127.0.0.1' });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.pipe(other);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${own}`,
    open: () => sockets.size,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Answer = (response: ServerResponse) => void;

function told(status: number, code: string, more: object = {}): Answer {
  const headers = { 'content-type': 'application/problem+json' };
  const problem = JSON.stringify({ status, code, detail: code, ...more });
  return (response) => response.writeHead(status, headers).end(problem);
}

function lines(...texts: readonly string[]): Answer {
  return (response) => response.end(`${texts.join('\n')}\n`);
}

/** As proxies answer while kodama restarts. */
const proxied: readonly Answer[] = [
  (response) => response.writeHead(502).end('<html>Bad Gateway</html>'),
  (response) =>
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"code":"away"}'),
  (response) => response.writeHead(504).end(),
];

/** Answers the nth request with the nth of these; the last one again and again. */
async function answering(...answers: readonly Answer[]) {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    answers[Math.min(asked.length, answers.length) - 1]?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    asked,
    url,
    kodama: new Kodama({ url }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a stream that was cut goes on in the log that it was of, and ends where that is another one', async () => {
  await using server = await answering(
    lines('{"seq":3,"log":"old","heartbeat":{}}'),
    lines('{"seq":4,"heartbeat":{}}'),
    told(410, 'cursor_expired'),
  );
  const events = server.kodama.events({ last: 9 });
  await expect(Array.fromAsync(events)).rejects.toMatchObject({ code: 'cursor_expired' });
  const path = '/v1/events?';
  const log = 'log=old';
  expect(server.asked).toEqual([
    `${path}last=9`,
    `${path}afterSeq=3&${log}`,
    `${path}afterSeq=4&${log}`,
  ]);
});

test('what is to end at the head gives up where kodama is gone', async () => {
  await using away = await answering(told(503, 'unavailable'));
  const never = rejection(Array.fromAsync(away.kodama.events({ endAtHead: true })));
  expect(await never).toMatchObject({ code: 'unavailable' });
  expect(away.asked).toHaveLength(1);
  await using server = await answering(
    lines('{"seq":7,"event":{}}'),
    told(503, 'unavailable'),
    lines('{"seq":8,"heartbeat":{}}', '{"error":{"status":503,"code":"unavailable"}}'),
    (response) => response.destroy(),
  );
  const rest = new Rest({ url: server.url });
  const events = follow(rest, { afterSeq: 0, endAtHead: true }, {}, 500);
  expect(await rejection(Array.fromAsync(events))).toBeInstanceOf(UnreachableError);
  // It has tried to go on, before and behind what came.
  const asked = [0, 7, 7, 8].map((seq) => expect.stringContaining(`afterSeq=${seq}`));
  expect(server.asked.slice(0, 4)).toEqual(asked);
});

test('what is to end at the head gives up where a stream is answered without a line', async () => {
  const clear = { name: 'UnreachableError', message: expect.stringMatching(/without a line$/) };
  await using away = await answering(lines());
  const never = away.kodama.events({ endAtHead: true });
  expect(await rejection(Array.fromAsync(never))).toMatchObject(clear);
  await using server = await answering(lines('{"seq":7,"event":{}}'), lines());
  const events = follow(new Rest({ url: server.url }), { afterSeq: 0, endAtHead: true }, {}, 500);
  expect(await rejection(Array.fromAsync(events))).toMatchObject(clear);
  expect(server.asked.length).toBeGreaterThan(2);
});

test('what a proxy says while kodama is away is waited through, or told as that', async () => {
  const ended = '{"seq":5,"ended":{"why":"max_events"}}';
  await using stream = await answering(
    lines('{"seq":3,"heartbeat":{}}'),
    ...proxied,
    lines('{"seq":4,"event":{}}', ended),
  );
  expect(await Array.fromAsync(stream.kodama.events())).toEqual([{}]);
  expect(stream.asked.slice(1)).toEqual(new Array(4).fill('/v1/events?afterSeq=3'));
  await using waiting = await answering(...proxied, lines('{"met":true}'));
  expect(await waiting.kodama.wait({ timeoutMs: 60_000 })).toEqual({ met: true });
  for (const answer of proxied) {
    await using away = await answering(answer);
    await expect(away.kodama.status()).rejects.toBeInstanceOf(UnreachableError);
  }
  await using stranger = await answering((response) => response.writeHead(500).end('<html>'));
  await expect(stranger.kodama.status()).rejects.toMatchObject({ code: 'internal', status: 500 });
});

const cutOff: Answer = (response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"met":true,"lis', () => response.destroy());
};

test('an answer that is cut in the middle is one of nobody, and asked for again by a wait', async () => {
  await using server = await answering(cutOff);
  await expect(server.kodama.status()).rejects.toBeInstanceOf(UnreachableError);
  const cutRefusal: Answer = (response) => {
    response.writeHead(400, { 'content-length': '100' });
    response.write('{"code":"inv', () => response.destroy());
  };
  await using refusing = await answering(cutRefusal);
  await expect(refusing.kodama.status()).rejects.toBeInstanceOf(UnreachableError);
  await using waiting = await answering(cutOff, lines('{"met":true}'));
  expect(await waiting.kodama.wait({ timeoutMs: 60_000 })).toEqual({ met: true });
  // Who has given it up is told that.
  const stop = new AbortController();
  await using halting = await answering((response) => {
    response.write('{"met":true', () => stop.abort(new Error('given up')));
  });
  const given = halting.kodama.wait({ timeoutMs: 60_000 }, stop.signal);
  await expect(given).rejects.toThrow('given up');
});

test('an answer that is no JSON is told as that, and by whom', async () => {
  await using stranger = await answering((response) => response.end('<html>hello</html>'));
  const told = { code: 'internal', status: 200, message: /^http:.* answers no JSON/ };
  for (const call of [
    stranger.kodama.status(),
    stranger.kodama.wait({}),
    Array.fromAsync(stranger.kodama.listeners()),
  ]) {
    const error = await rejection(call);
    expect(error).toBeInstanceOf(KodamaError);
    expect(error).toMatchObject({ ...told, message: expect.stringMatching(told.message) });
  }
  await using page = await answering(lines('<html>', 'hello</html>'));
  const events = rejection(Array.fromAsync(page.kodama.events()));
  expect(await events).toBeInstanceOf(KodamaError);
});

test('a stream that was read too slowly goes on, and one that may not begin does not', async () => {
  const crowded = '{"error":{"status":429,"code":"resource_exhausted","detail":"too slow"}}';
  await using stream = await answering(
    lines('{"seq":3,"event":{"seq":3}}', crowded),
    told(429, 'resource_exhausted'),
    lines('{"seq":4,"event":{"seq":4}}', '{"seq":4,"ended":{"why":"timeout"}}'),
  );
  expect(await Array.fromAsync(stream.kodama.events())).toEqual([{ seq: 3 }, { seq: 4 }]);
  await using refused = await answering(told(429, 'resource_exhausted'));
  const events = Array.fromAsync(refused.kodama.events({ last: 9 }));
  await expect(events).rejects.toMatchObject({ code: 'resource_exhausted' });
});

test('a stream that is cut where it has all its events is at its end', async () => {
  await using server = await answering(
    lines('{"seq":3,"event":{"seq":3}}'),
    lines('{"seq":4,"event":{"seq":4}}'),
    lines('{"seq":5,"event":{"seq":5}}', '{"seq":5,"ended":{"why":"max_events"}}'),
  );
  const events = await Array.fromAsync(server.kodama.events({ maxEvents: 2 }));
  expect(events).toEqual([{ seq: 3 }, { seq: 4 }]);
  const path = '/v1/events?';
  expect(server.asked).toEqual([`${path}maxEvents=2`, `${path}maxEvents=1&afterSeq=3`]);
});

test('a stream that is cut until its time is over fails then, and no pause is longer', async () => {
  await using server = await answering((response) => {
    // As the API, which takes no 0.
    if (response.req.url?.endsWith('timeoutMs=0')) told(400, 'invalid_argument')(response);
    else response.destroy();
  });
  const took = async (timeoutMs: number) => {
    const begunAt = performance.now();
    const error = await rejection(Array.fromAsync(server.kodama.events({ timeoutMs })));
    if (!(error instanceof UnreachableError)) throw error;
    return performance.now() - begunAt;
  };
  expect(await took(300)).toBeGreaterThanOrEqual(300);
  expect(server.asked.length).toBeGreaterThan(1);
  const short: number[] = [];
  for (let tried = 0; tried < 10; tried += 1) short.push(await took(1));
  // The first pause is 100 ms.
  expect(Math.min(...short)).toBeLessThan(99);
  await expect(took(0)).rejects.toMatchObject({ code: 'invalid_argument' });
});

test('one that had begun when it was cut for the rest of its time ends then', async () => {
  let calls = 0;
  await using server = await answering((response) => {
    calls += 1;
    if (calls > 1) response.destroy();
    else response.write('{"seq":3,"synced":true}\n', () => response.destroy());
  });
  expect(await Array.fromAsync(server.kodama.events({ timeoutMs: 300 }))).toEqual([]);
  expect(calls).toBeGreaterThan(1);
});
