/** `npm run stream`, whose lines of the log are in process/streams.long.test.ts. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';

const file = join(import.meta.dirname, '../../examples/stream-events.ts');

test('the example says that nobody is there, without a note that says nothing, and goes on', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(process.execPath, [file, '--addr', address, '--after-seq', '0']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    if (lines.length === 2) break;
  }
  const told = expect.stringMatching(/^UNAVAILABLE: .*connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
  expect(lines).toEqual([told, told]);
});
