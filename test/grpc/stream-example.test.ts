/** `npm run stream`, whose lines of the log are in process/streams.long.test.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';

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
