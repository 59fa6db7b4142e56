/** `npm run stream`, whose lines of the log are in process/streams.long.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeAuthority, makeCertificate } from '../support/tls-certificates.ts';

const file = join(import.meta.dirname, '../../examples/stream-events.ts');

test('the example says once that nobody is there, without a note that says nothing, and goes on', async () => {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const child = spawn(process.execPath, [file, '--addr', address, '--after-seq', '0']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const why = 'UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED';
  const told = `${why} ${address}: trying ${address} again until it answers`;
  expect(await lines.next()).toMatchObject({ value: told });
  // By the time that the channel connects again, several calls have failed as the first did.
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  onTestFinished(() => void server.close());
  server.listen(port, '127.0.0.1');
  await once(server, 'connection');
  child.kill('SIGKILL');
  expect(await lines.next()).toMatchObject({ done: true });
});

/** Its exit code, and what it says. */
async function runExample(...args: readonly string[]) {
  const child = spawn(process.execPath, ['--no-deprecation', file, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, stderr };
}

test('the example ends where the certificate never fits, and says which authority it wants', async () => {
  await using folder = await temporaryFolder();
  const [authority, other] = await Promise.all([makeAuthority(), makeAuthority('another')]);
  const server = createTlsServer(await makeCertificate(authority));
  onTestFinished(() => void server.close());
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = join(folder.path, 'ca.pem');
  await writeFile(path, other.cert);
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await runExample('--addr', `localhost:${port}`, '--ca-cert', path);
  expect(stderr).toMatch(
    /^UNAVAILABLE: .*certificate.*: --ca-cert or KODAMA_CA_CERT names its authority\n$/,
  );
  expect(code).toBe(1);
});

test('the example ends where it is given TLS, and there is none', async () => {
  await using folder = await temporaryFolder();
  const server = createServer(
    (socket) => void socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = join(folder.path, 'ca.pem');
  await writeFile(path, (await makeAuthority()).cert);
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await runExample('--addr', `localhost:${port}`, '--ca-cert', path);
  const told = `UNAVAILABLE: localhost:${port} speaks no TLS, which --ca-cert and KODAMA_CA_CERT ask for`;
  expect({ code, stderr }).toEqual({ code: 1, stderr: `${told}\n` });
});

test('the example refuses what is no certificate', async () => {
  for (const path of ['/nowhere.pem', file]) {
    const { code, stderr } = await runExample('--ca-cert', path);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^--ca-cert: .+\n\nnpm run stream /);
  }
});
