import { expect, test } from 'vitest';
import { runBeside } from './command-beside.ts';
import { Interrupts } from './interrupts.ts';
import { hostOf } from './listener-host.ts';
import { type Listener, RestClient } from './rest-client.ts';

test('a program is told the host of a kodama that is elsewhere', async () => {
  const laddr = { ip: '0.0.0.0', port: 9001 };
  const isTold = `process.env.KODAMA_HOST === 'kodama.example' && process.env.KODAMA_PORT === '9001'`;
  using interrupts = new Interrupts();
  const url = 'https://kodama.example:8443';
  const client = new RestClient({ url, ca: null, token: null, project: null });
  const listener = { laddr, name: 'sdk', id: 'one', nodeId: 'there' } as Listener;
  const say = () => undefined;
  const code = await runBeside({
    words: [process.execPath, '-e', `process.exit(${isTold} ? 7 : 1)`],
    listener,
    host: await hostOf(listener, { client, nodeId: 'there', say }),
    variables: { KODAMA_URL: url },
    interrupts,
    say,
  });
  expect(code).toBe(7);
});
