/** Secrets of a whole kodama: neither its workers, nor its PostgreSQL, nor its log have them. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { expectOpen } from '../support/open-edge.ts';
import { call, want } from '../support/rest-client.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';

const token = 'a-token-that-strangers-do-not-have';
const keys = {
  KODAMA_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
  KODAMA_SECRET_KEY_OLD: Buffer.alloc(32, 2).toString('base64'),
};
const authorization = `Bearer ${token}`;

/** All that the process has started, and those have, and so on. */
async function descendantsOf(pid: number): Promise<readonly number[]> {
  const all = (await readdir('/proc')).map(Number).filter((one) => one > 0);
  const parents = await Promise.all(
    all.map(async (one) => {
      const status = await readFile(`/proc/${one}/status`, 'utf8').catch(() => '');
      return [one, Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1])] as const;
    }),
  );
  const found = [pid];
  for (const parent of found) {
    found.push(...parents.filter(([, of]) => of === parent).map(([one]) => one));
  }
  return found.slice(1);
}

test.runIf(process.platform === 'linux').each([
  ['of its own', { DATABASE_URL: '' }],
  ['of somebody else', {}],
] as const)(
  'with a PostgreSQL %s no other process holds a secret of kodama, and no log line shows one',
  async (_, more) => {
    await using home = await makeHome({ KODAMA_API_TOKEN: token, ...keys });
    await using app = await startProcess(home, { KODAMA_LOG_LEVEL: 'debug', ...more });
    const headers = { authorization };
    const { workers } = await want(200, app, 'GET', '/v1/status', undefined, headers);
    const pids = await descendantsOf(app.pid);
    expect(pids).toEqual(expect.arrayContaining(workers.map(({ pid }: { pid: number }) => pid)));
    // A worker, and of an own PostgreSQL the postmaster and its children.
    if ('DATABASE_URL' in more) expect(pids.length).toBeGreaterThan(workers.length + 3);
    for (const pid of pids) {
      const seen = await Promise.all(
        ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
      );
      for (const secret of [token, ...Object.values(keys), 'KODAMA_', 'postgresql:']) {
        expect(seen.join(), secret).not.toContain(secret);
      }
    }
    await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' }, headers);
    await call(app, 'GET', `/v1/listeners?name=${token}`, undefined, headers);
    await call(app, 'GET', '/v1/status', undefined, { authorization: `${authorization}x` });
    expect(app.lines.length).toBeGreaterThan(2);
    for (const secret of [token, ...Object.values(keys)]) {
      expect(app.lines.join()).not.toContain(secret);
    }
    // What it says to try is what works, without showing it.
    expect(app.lines.join()).toContain('curl -H "authorization: Bearer $KODAMA_API_TOKEN" -X POST');
  },
);

test('in as many words both edges open to every address without a token', async () => {
  const hosts = { KODAMA_HTTP_HOST: '0.0.0.0', KODAMA_GRPC_HOST: '::' };
  await using app = await startApp({ ...hosts, KODAMA_INSECURE: 'true' });
  await expectOpen(app, '');
});
