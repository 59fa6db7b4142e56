/** A node that holds as much as it may starts again, and shows it all, with little memory. */
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { all, call, want } from './support/rest-client.ts';
import { makeHome, startProcess, type TestProcess } from './support/test-app.ts';

const { specBytesMax } = readConfig({}).listeners;
const smallHeap = { NODE_OPTIONS: '--max-old-space-size=128' };

/** Eight to a call, until the node holds no more. Resolves with how many there are. */
async function fill(app: TestProcess): Promise<number> {
  const faults = [1, 2].map(() => ({ type: 'banner', text: 'x'.repeat(60_000) }));
  const listeners = Array.from({ length: 8 }, () => ({ faults }));
  for (let count = 0; ; count += listeners.length) {
    const reply = await call(app, 'POST', '/v1/listeners:batch', { listeners });
    if (reply.status === 429) {
      expect(reply.body).toMatchObject({ limit: 'specBytesMax', limitValue: specBytesMax });
      return count;
    }
    expect(reply.status).toBe(201);
    expect(count * 120_000).toBeLessThan(2 * specBytesMax);
  }
}

test('a full node runs, is killed, and starts again, all with a heap of 128 MB', async () => {
  await using home = await makeHome();
  let count = 0;
  {
    await using app = await startProcess(home, smallHeap);
    count = await fill(app);
    expect(count * 120_000).toBeGreaterThan(0.9 * specBytesMax);
    app.child.kill('SIGKILL');
    await app.exited;
  }
  await using app = await startProcess(home, smallHeap);
  const listeners = await all(app, '/v1/listeners', 'listeners');
  expect(listeners).toHaveLength(count);
  // Any process of the machine may have got one of their ports meanwhile.
  const failed = listeners.filter(({ state }) => state !== 'listening');
  expect(failed.every(({ reason }) => reason.code === 'port_in_use')).toBe(true);
  expect(failed.length).toBeLessThan(count / 10);
  // A page at the beginning of the log, in the middle and at its head, for many readers at once.
  const starts = [0, count, 3 * count - 20];
  const reads = Array.from({ length: 12 }, (_, reader) => {
    const afterSeq = starts[reader % starts.length];
    return call(app, 'GET', `/v1/events?afterSeq=${afterSeq}&pageSize=1000`);
  });
  for (const { body } of await Promise.all(reads)) {
    expect(body.events.length).toBeGreaterThan(5);
    expect(body.events.length).toBeLessThan(20);
  }
  const [{ id } = { id: '' }] = listeners;
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  expect(app.child.exitCode).toBeNull();
});
