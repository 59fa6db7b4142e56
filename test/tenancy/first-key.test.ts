/** What a start with a token says of a first project and key: the two lines, pasted into a shell as they stand. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bannerText } from '../../src/banner.ts';
import { want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });

test('the two lines make a project and a key that is good for it alone', async () => {
  const text = bannerText({
    httpAddresses: [{ ip: '127.0.0.1', port: app.httpPort }],
    grpcAddresses: [{ ip: '127.0.0.1', port: 1 }],
    ...{ gatewayUrl: null, hasToken: true, isTls: false, recovered: [], listenersMax: 0 },
  });
  expect(text).not.toContain(token);
  const lines = text.split('\n').filter((line) => line.startsWith('    curl '));
  const env = { ...process.env, KODAMA_API_TOKEN: token };
  const answers: unknown[] = [];
  for (const line of lines) {
    const { stdout } = await promisify(execFile)('sh', ['-c', line], { env });
    answers.push(JSON.parse(stdout));
  }
  expect(answers).toMatchObject([{ name: 'team' }, { name: 'first', project: 'team' }]);
  const { secret } = answers[1] as { secret: string };
  const bearer = { authorization: `Bearer ${secret}` };
  await want(201, app, 'POST', '/v1/listeners', { name: 'teams' }, bearer);
  const operator = { authorization: `Bearer ${token}` };
  await want(404, app, 'GET', '/v1/listeners/teams', undefined, operator);
});
