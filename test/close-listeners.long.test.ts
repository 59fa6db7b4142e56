/** More listeners than one call closes. */
import { expect, test } from 'vitest';
import { want } from './support/rest-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

const close = (body: object) => want(200, app, 'POST', '/v1/listeners:close', body);

test('more than a page go on with its token', async () => {
  const labels = { run: 'pages' };
  // A page may hold fewer than a thousand: its bytes are bounded too.
  for (let batch = 0; batch < 11; batch += 1) {
    const listeners = Array.from({ length: 100 }, () => ({ labels, protocol: 'udp' }));
    await want(201, app, 'POST', '/v1/listeners:batch', { listeners });
  }
  const closed = new Set<string>();
  let pageToken: string | undefined;
  let calls = 0;
  do {
    const answer = await close({ labels, ...(pageToken !== undefined && { pageToken }) });
    for (const id of answer.closed) closed.add(id);
    expect(answer.closed.length).toBeLessThanOrEqual(1000);
    pageToken = answer.nextPageToken;
    calls += 1;
  } while (pageToken !== undefined);
  expect(closed.size).toBe(1100);
  expect(calls).toBeGreaterThan(1);
});
