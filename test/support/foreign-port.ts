/** A port that somebody else has, and what a kodama says of it that was to listen there. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'vitest';
import { run } from './printed-run.ts';
import { makeHome } from './test-app.ts';

/** Its owner closes every connection. */
export async function foreignPort() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port: String(port),
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** One line says what to change, without a stack, whatever the log. */
export async function expectTakenPort(
  edge: string,
  prefix: string,
  format: 'json' | 'text',
): Promise<void> {
  await using home = await makeHome();
  await using foreign = await foreignPort();
  const { code, stdout, stderr } = await run({
    ...home.environment,
    KODAMA_LOG_FORMAT: format,
    KODAMA_LOG_LEVEL: format === 'json' ? 'info' : 'silent',
    [`${prefix}_PORT`]: foreign.port,
  });
  const message =
    `${edge} cannot listen on 127.0.0.1:${foreign.port}: ` +
    `the address is in use (${prefix}_HOST, ${prefix}_PORT)`;
  expect({ code, stderr }).toEqual({ code: 1, stderr: `kodama: ${message}\n` });
  expect(stdout).not.toContain('    at ');
  expect(stdout).not.toContain('cannot listen');
}
