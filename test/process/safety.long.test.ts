/** Secrets of a whole kodama: neither its workers nor its log have them. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { call, want } from '../support/rest-client.ts';
import { makeHome, startProcess } from '../support/test-app.ts';

const token = 'a-token-that-strangers-do-not-have';
const authorization = `Bearer ${token}`;

test.runIf(process.platform === 'linux')(
  'no worker holds a secret of the control plane, and no log line shows one',
  async () => {
    await using home = await makeHome({ KODAMA_API_TOKEN: token });
    await using app = await startProcess(home, { KODAMA_LOG_LEVEL: 'debug' });
    const headers = { authorization };
    const { workers } = await want(200, app, 'GET', '/v1/status', undefined, headers);
    for (const { pid } of workers) {
      const seen = await Promise.all(
        ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
      );
      for (const secret of [token, 'KODAMA_', 'postgres']) {
        expect(seen.join(), secret).not.toContain(secret);
      }
    }
    await call(app, 'GET', `/v1/listeners?name=${token}`, undefined, headers);
    await call(app, 'GET', '/v1/status', undefined, { authorization: `${authorization}x` });
    expect(app.lines.length).toBeGreaterThan(2);
    expect(app.lines.join()).not.toContain(token);
    // What it says to try is what works, without showing it.
    expect(app.lines.join()).toContain('curl -H "authorization: Bearer $KODAMA_API_TOKEN" -X POST');
  },
);
