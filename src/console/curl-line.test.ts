import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { curlLine, inShell } from './curl-line.ts';

test('a call is one line, and its key is none of it', () => {
  const call = { url: 'http://127.0.0.1:8080/v1/connections?state=open&lport=9', project: null };
  expect(curlLine({ ...call, isKeyed: false })).toBe(`curl '${call.url}'`);
  expect(curlLine({ ...call, isKeyed: true, project: 'a' })).toBe(
    `curl -H "authorization: Bearer $KODAMA_API_TOKEN" -H 'kodama-project: a' '${call.url}'`,
  );
});

test('a body stands behind its type', () => {
  const call = { method: 'PATCH', url: '/v1/listeners/slow', isKeyed: false, project: null };
  expect(curlLine({ ...call, body: { faults: [] } })).toBe(
    `curl -X PATCH -H 'content-type: application/json' -d '{"faults":[]}' /v1/listeners/slow`,
  );
});

test.each(["it's", '$HOME `id` "x"', 'a\nb', ''])('a shell reads %j as it is', (text) => {
  expect(execFileSync('sh', ['-c', `printf %s ${inShell(text)}`], { encoding: 'utf8' })).toBe(text);
});
