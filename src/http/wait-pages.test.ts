/** Waits that would show a long page of what they wait for. */
import { expect, test } from 'vitest';
import { call, want } from '../../test/support/rest-client.ts';
import { restEdge } from '../../test/support/rest-edge.ts';
import { waitFor } from '../../test/support/wait-for.ts';

test('waits hold no place of a long page while they wait, and have one for their answers', async () => {
  await using edge = await restEdge();
  const path = '/v1/events:wait?type=listener_created&timeoutMs=60000&pageSize=50';
  const waits = Array.from({ length: 3 }, () => want(200, edge, 'GET', path));
  await waitFor('the waits', () => edge.control.followers.length === waits.length);
  expect(await want(200, edge, 'GET', '/v1/events?pageSize=50')).toMatchObject({ events: [] });
  await call(edge, 'POST', '/v1/listeners', {});
  for (const { count } of await Promise.all(waits)) expect(count).toBe(1);
});
