import { expect, test } from 'vitest';
import { command } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';

const token = 'of+sixteen=letters';
const app = sharedApp({ KODAMA_API_TOKEN: token });

test('the address of the console has the token where no server sees it', async () => {
  const headers = { authorization: `Bearer ${token}` };
  await want(201, app, 'POST', '/v1/projects', { name: 'mine' }, headers);
  const environment = { KODAMA_API_TOKEN: token, KODAMA_PROJECT: 'mine' };
  const { code, stdout } = await command(app, ['ui'], { environment });
  expect(code).toBe(0);
  const url = new URL(stdout.trim());
  expect([url.origin, url.pathname, url.search]).toEqual([app.url, '/', '?project=mine']);
  expect(new URLSearchParams(url.hash.slice(1)).get('key')).toBe(token);
  expect((await fetch(url)).headers.get('content-type')).toContain('text/html');
});

test.each([' ', '\t'])('white space around a URL is not of it', async (space) => {
  const { code, stderr } = await command({ url: `${space}${app.url}/v1/${space}` }, ['status'], {
    environment: { KODAMA_API_TOKEN: token },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('a kodama that is not there has no console', async () => {
  const { code, stdout } = await command({ url: 'http://127.0.0.1:1' }, ['ui']);
  expect([code, stdout]).toEqual([4, '']);
});
