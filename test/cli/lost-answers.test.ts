/** `kodama apply --recreate` where an answer is lost on its way: what was done is done, and is told as it is. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CommandEnd, command } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();

/** Whoever asks through it gets no answer to the first call of this method, or to another of them; it is done. */
async function losingOne(method: string, which = 1) {
  let asks = 0;
  const server = createServer((asked, answer) => {
    const { headers, url = '' } = asked;
    const passed = request(new URL(url, app.url), { method: asked.method, headers }, (answered) => {
      if (asked.method === method) asks += 1;
      if (asked.method !== method || asks !== which) {
        answer.writeHead(answered.statusCode ?? 0, answered.headers);
        answered.pipe(answer);
        return;
      }
      answered.resume().on('end', () => asked.socket.destroy());
    });
    passed.on('error', () => asked.socket.destroy());
    asked.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function apply(through: { readonly url: string }, text: string): Promise<CommandEnd> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'listeners.yaml');
  await writeFile(path, text);
  return await command(through, ['apply', '-f', path, '--recreate']);
}

test('what was made where the answer to that was lost is not told as lost', async () => {
  await apply(app, 'listeners: [{name: lost-made}]');
  await using proxy = await losingOne('POST');
  const { code, stderr } = await apply(proxy, 'listeners: [{name: lost-made, mode: discard}]');
  expect({ code, told: stderr.split('\n').slice(1) }).toEqual({
    code: 4,
    told: [expect.stringMatching(/^kodama: cannot reach kodama at /), ''],
  });
  const there = await want(200, app, 'GET', '/v1/listeners/lost-made');
  expect(there).toMatchObject({ mode: 'discard', state: 'listening' });
});

test('what was closed where the answer to that was lost is made as it was', async () => {
  await apply(app, 'listeners: [{name: lost-closed, labels: {by: test}}]');
  const { id } = await want(200, app, 'GET', '/v1/listeners/lost-closed');
  await using proxy = await losingOne('DELETE');
  const { code, stderr } = await apply(proxy, 'listeners: [{name: lost-closed, mode: discard}]');
  expect(code).toBe(4);
  expect(stderr).toContain('\nclosed, and made again as it was: lost-closed\n');
  const there = await want(200, app, 'GET', '/v1/listeners/lost-closed');
  expect(there).toMatchObject({ mode: 'echo', labels: { by: 'test' }, state: 'listening' });
  expect(there.id).not.toBe(id);
});

test('what was made as it was where the answer to that was lost is told as that', async () => {
  const [, taken] = await Promise.all([
    apply(app, 'listeners: [{name: lost-restored}]'),
    want(201, app, 'POST', '/v1/listeners', {}),
  ]);
  // The first is refused.
  await using proxy = await losingOne('POST', 2);
  const file = `listeners: [{name: lost-restored, port: ${taken.laddr.port}}]`;
  const { code, stderr } = await apply(proxy, file);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /\nclosed, and made again as it was: lost-restored\nlost-restored is fixed to port \d+ from now on; it had asked for any\nkodama: port_in_use: /,
  );
  const there = await want(200, app, 'GET', '/v1/listeners/lost-restored');
  expect(there).toMatchObject({ state: 'listening' });
});
