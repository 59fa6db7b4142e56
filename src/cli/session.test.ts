import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testTls } from '../../test/support/edge-tls.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { makeAuthority } from '../../test/support/tls-certificates.ts';
import { readEnvironment } from './environment.ts';
import { openSession } from './session.ts';
import { Terminal } from './terminal.ts';

const { stdout, stderr } = process;
const terminal = new Terminal({ isColorRefused: true, stdout, stderr });
const open = (options: object, token: string | null = null) =>
  openSession({ url: 'http://127.0.0.1:8080', output: 'table', ...options }, { token, terminal });

async function listen(): Promise<{
  url: string;
  seen: { path: string; headers: IncomingHttpHeaders }[];
}> {
  const seen: { path: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    seen.push({ path: request.url ?? '', headers: request.headers });
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function fileWith(text: string): Promise<string> {
  const path = join(tmpdir(), `kodama-token-${process.pid}-${Math.random()}`);
  await writeFile(path, text, { mode: 0o600 });
  onTestFinished(() => rm(path));
  return path;
}

test('the API is asked below the URL that is given, with the token and the project as headers', async () => {
  const { url, seen } = await listen();
  const tokenFile = await fileWith('from-the-file\n');
  await open({ url: `${url}/behind/`, project: 'mine' }, 'from-the-environment').client.get(
    '/v1/status',
  );
  await open({ url, tokenFile }, 'from-the-environment').client.get('/v1/status', {
    label: ['a=b', 'c=d'],
  });
  await open({ url }).client.get('/v1/status');
  expect(seen).toMatchObject([
    {
      path: '/behind/v1/status',
      headers: { authorization: 'Bearer from-the-environment', 'kodama-project': 'mine' },
    },
    {
      path: '/v1/status?label=a%3Db&label=c%3Dd',
      headers: { authorization: 'Bearer from-the-file' },
    },
    { path: '/v1/status', headers: { accept: expect.stringContaining('application/json') } },
  ]);
  const { authorization, 'kodama-project': project } = seen[2]?.headers ?? {};
  expect({ authorization, project }).toEqual({});
});

test('what can be no URL, token or project is refused before anything is sent, and no token is shown', async () => {
  const twoLines = await fileWith('secret-one\nsecret-two\n');
  const wrong: [object, string | null][] = [
    [{ url: '127.0.0.1:8080' }, null],
    [{ url: 'localhost:8080' }, null],
    [{ url: 'ftp://127.0.0.1' }, null],
    [{ project: 'two words' }, null],
    [{ tokenFile: '/nonexistent/token' }, null],
    [{ tokenFile: twoLines }, null],
    [{ caCert: '/nonexistent/ca.pem' }, null],
    [{ caCert: twoLines }, null],
    [{}, 'secret-one\r\nx: y'],
  ];
  for (const [options, token] of wrong) {
    let failure: unknown;
    try {
      open(options, token);
    } catch (error) {
      failure = error;
    }
    expect(failure, JSON.stringify(options)).toMatchObject({ exitCode: 2 });
    expect(String(failure).split('/nonexistent/').length).toBeLessThanOrEqual(2);
    expect(String(failure)).not.toContain('secret');
  }
});

test('over TLS it goes on only with who the authority vouches for, and says what to set', async () => {
  const { tls, ca } = await testTls();
  await using edge = await restEdge({ tls });
  const url = `https://127.0.0.1:${edge.port}`;
  const caCert = await fileWith(ca);
  const { version } = await open({ url, caCert }).client.get<{ version: string }>('/v1/status');
  expect(version).toBeDefined();
  const lines = open({ url, caCert }).client.lines('/v1/events', { afterSeq: 0, endAtHead: true });
  expect(await Array.fromAsync(lines)).not.toEqual([]);
  const { cert: other } = await makeAuthority('another');
  for (const options of [{ url }, { url, caCert: await fileWith(other) }]) {
    await expect(open(options).client.get('/v1/status')).rejects.toMatchObject({
      exitCode: 4,
      hint: expect.stringContaining('KODAMA_CA_CERT'),
    });
  }
});

test('what speaks HTTP/2 alone over TLS is taken for the port of gRPC', async () => {
  const { tls, ca } = await testTls();
  const { cert, key } = tls.certificate.pair;
  const server = createSecureServer({ cert, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { client } = open({ url, caCert: await fileWith(ca) });
  await expect(client.get('/v1/status')).rejects.toMatchObject({
    exitCode: 4,
    isNobodyThere: true,
    message: expect.stringContaining(`${url}: it looks like the port of gRPC`),
    hint: expect.stringContaining('KODAMA_URL'),
  });
});

/** What it answers to whatever comes first. */
async function answering(bytes: string | Uint8Array): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('whether TLS is meant is told in one line, as a server speaks it, alone or not at all', async () => {
  await using secure = await restEdge({ tls: (await testTls()).tls });
  await using plain = await restEdge();
  const meansTls = 'it speaks TLS, and no HTTP without it: try https://';
  const meansNone = 'it speaks no TLS: try http://';
  // protocol_version (RFC 8446, 6.2)
  const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70);
  const nginx =
    'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nThe plain HTTP request was sent to HTTPS port';
  for (const [url, words] of [
    [`http://127.0.0.1:${secure.port}`, meansTls],
    [`http://127.0.0.1:${await answering(alert)}`, meansTls],
    [`http://127.0.0.1:${await answering(nginx)}`, meansTls],
    [`https://127.0.0.1:${plain.port}`, meansNone],
    [`https://127.0.0.1:${await answering('220 mail.example')}`, meansNone],
  ] as const) {
    const asked = open({ url }).client.get('/v1/status');
    await expect(asked, url).rejects.toMatchObject({
      exitCode: 4,
      isNobodyThere: true,
      message: `cannot reach kodama at ${url}: ${words}`,
      hint: expect.stringContaining('KODAMA_URL'),
    });
  }
});

test('what only hangs up, or refuses a handshake, is not taken for a server without it', async () => {
  const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70);
  for (const [scheme, port, words] of [
    ['http', await answering(''), 'socket hang up'],
    ['https', await answering(alert), 'TLS fails: tlsv1 alert protocol version'],
  ] as const) {
    const url = `${scheme}://127.0.0.1:${port}`;
    await expect(open({ url }).client.get('/v1/status')).rejects.toMatchObject({
      exitCode: 4,
      message: `cannot reach kodama at ${url}: ${words}`,
    });
  }
});

test('a URL that ends in /v1 is taken as the one before it', async () => {
  const { url, seen } = await listen();
  for (const end of ['/v1', '/v1/', '/behind/v1', '/v1beta']) {
    await open({ url: `${url}${end}` }).client.get('/v1/status');
  }
  expect(seen.map(({ path }) => path)).toEqual([
    ...['/v1/status', '/v1/status', '/behind/v1/status', '/v1beta/v1/status'],
  ]);
  expect(open({ url: `${url}/v1` })).toMatchObject({
    consoleUrl: `${url}/`,
    variables: { KODAMA_URL: url },
  });
});

test('an empty variable is none', () => {
  const names = [
    ...['KODAMA_URL', 'KODAMA_API_TOKEN', 'KODAMA_PROJECT', 'KODAMA_CA_CERT', 'NO_COLOR'],
  ];
  const empty = Object.fromEntries(names.map((name) => [name, '']));
  const given = Object.fromEntries(names.map((name) => [name, 'x']));
  expect(readEnvironment(empty)).toEqual(readEnvironment({}));
  expect(readEnvironment({})).toMatchObject({
    url: 'http://127.0.0.1:8080',
    isColorRefused: false,
  });
  expect(readEnvironment(given)).toEqual({
    url: 'x',
    token: 'x',
    project: 'x',
    caCert: 'x',
    isColorRefused: true,
  });
});

test('the console is opened with what the command was given', () => {
  expect(open({}).consoleUrl).toBe('http://127.0.0.1:8080/');
  expect(open({ url: 'https://here/behind/', project: 'a&b' }, 'a+b=').consoleUrl).toBe(
    'https://here/behind/?project=a%26b#key=a%2Bb%3D',
  );
});
