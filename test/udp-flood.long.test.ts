/** A flood of datagrams, from many more sources than may have a session. */
import { test } from 'vitest';
import { startApp } from './support/test-app.ts';
import { floodAndServe } from './support/udp-flood.ts';

test('of sources, of noise and of the largest datagrams: memory is bounded, the API answers', async () => {
  await using app = await startApp();
  await floodAndServe(app, { sourcesCount: 1000, sessionsMax: 200 });
});
