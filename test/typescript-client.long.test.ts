/** What of the client package takes its time, and its example as it stands. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Kodama, UnreachableError } from '../clients/typescript/src/index.ts';
import { rejection } from './support/samples.ts';
import { commonApp } from './support/test-app.ts';

const root = join(import.meta.dirname, '..');
const app = commonApp();

test('the example passes', async () => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const words = ['run', '--root', join(root, 'clients/typescript'), 'example'];
  const { stdout } = await promisify(execFile)(process.execPath, [vitest, ...words], {
    env: { PATH: process.env.PATH, KODAMA_URL: app.url, NO_COLOR: '1' },
  });
  expect(stdout).toContain('2 passed');
});

test('a wait for whoever takes calls and says nothing ends with that', async () => {
  await using server = await silentServer();
  const kodama = new Kodama({ url: server.url });
  const waiting = rejection(kodama.wait({ timeoutMs: 0 }));
  expect(await waiting).toBeInstanceOf(UnreachableError);
  expect(server.asked()).toBe(1);
});

async function silentServer() {
  let asked = 0;
  const server = createServer(() => {
    asked += 1;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
