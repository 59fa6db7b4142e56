/** How `kodama listen -- PROGRAM` ends where it is interrupted, or its kodama is lost. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { beginProgram, command } from '../support/command.ts';
import { waitFor } from '../support/wait-for.ts';

interface StandIn {
  readonly isSynced: boolean;
  /** What is done once it is asked for /lost; the stream of its log is that of the command. */
  readonly lose?: (stream: ServerResponse) => void;
}

/** As far as `listen` needs a kodama. */
async function standIn({ isSynced, lose }: StandIn) {
  const asked: string[] = [];
  let stream: ServerResponse | undefined;
  const listener = {
    ...{ id: 'one', name: 'held', protocol: 'tcp', host: '127.0.0.1', port: 0, mode: 'echo' },
    ...{ laddr: { ip: '127.0.0.1', port: 9001 }, state: 'listening', nodeId: 'here', faults: [] },
  };
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    'GET /v1/status': (response) => response.end('{"headSeq":1,"nodeId":"here"}'),
    'POST /v1/listeners': (response) => response.writeHead(201).end(JSON.stringify(listener)),
    'GET /v1/events': (response) => {
      stream = response;
      response.write(isSynced ? '{"seq":1,"synced":{}}\n' : '{"seq":1,"heartbeat":{}}\n');
    },
    'DELETE /v1/listeners/one': (response) => {
      response.writeHead(204).end();
      stream?.write('{"seq":2,"event":{"type":"listener_closed"}}\n');
    },
    'GET /lost': (response) => {
      if (stream !== undefined) lose?.(stream);
      response.end();
    },
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    asked.push(`${request.method} ${pathname}`);
    answers[asked.at(-1) ?? '']?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url, close, [Symbol.asyncDispose]: async () => close() };
}

/** Ends with this code, once its kodama is lost. */
const losing = (code: number) => [
  process.execPath,
  '-e',
  `fetch(process.env.KODAMA_URL + '/lost').catch(() => 0).then(() => process.exit(${code}))`,
];

test.each([['SIGTERM', 143] as const, ['SIGINT', 130] as const])(
  'a program whose listener is being made is not started any more after %s',
  async (signal, code) => {
    await using kodama = await standIn({ isSynced: false });
    const words = ['listen', '--', process.execPath, '-e', 'console.log("started")'];
    const { child, ended } = beginProgram(kodama, words);
    await waitFor('its log to be followed', () => kodama.asked.includes('GET /v1/events'));
    child.kill(signal);
    expect(await ended).toMatchObject({ code, stdout: '' });
    expect(kodama.asked.at(-1)).toBe('DELETE /v1/listeners/one');
  },
);

test('the exit code of a program outlives its kodama, which is told', async () => {
  for (const [code, told] of [
    [7, 7],
    [0, 4],
  ] as const) {
    await using kodama = await standIn({ isSynced: true, lose: () => kodama.close() });
    const end = await command(kodama, ['listen', '--', ...losing(code)]);
    expect(end).toMatchObject({ code: told, stdout: '' });
    expect(end.stderr).toMatch(/^kodama: cannot reach kodama at .*ECONNREFUSED/m);
  }
});

test('the exit code of a program outlives the log of its listener, which is told once', async () => {
  const error = '{"error":{"code":"cursor_expired","detail":"it is no longer kept"}}\n';
  for (const [code, told] of [
    [7, 7],
    [0, 1],
  ] as const) {
    await using kodama = await standIn({
      isSynced: true,
      lose: (stream) => stream.write(error),
    });
    const end = await command(kodama, ['listen', '--', ...losing(code)]);
    expect(end).toMatchObject({ code: told, stdout: '' });
    expect(end.stderr.match(/it is no longer kept/g)).toHaveLength(1);
    expect(kodama.asked).toContain('DELETE /v1/listeners/one');
  }
});
