/** Faults and a restart of kodama. */
import { expect, test } from 'vitest';
import { halfOpen, listenWith, wantEnd } from './support/fault-client.ts';
import { want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, startApp } from './support/test-app.ts';

test('faults outlive a restart of kodama', async () => {
  await using home = await makeHome();
  const spec = [
    { type: 'banner', text: 'hello ', seed: 7 },
    { type: 'latency', delayMs: 200 },
  ];
  let made: Awaited<ReturnType<typeof listenWith>>;
  let before: object;
  {
    await using first = await startApp({}, home);
    made = await listenWith(first, spec);
    before = await want(200, first, 'GET', `/v1/listeners/${made.id}`);
  }
  await using second = await startApp({}, home);
  const { faults } = await want(200, second, 'GET', `/v1/listeners/${made.id}`);
  expect({ faults }).toEqual({ faults: (before as { faults: object }).faults });
  await using living = await openClient(made.port, halfOpen);
  living.socket.end('you');
  await wantEnd(living);
  expect(living.received.toString()).toBe('hello you');
  expect((living.arrivals[0]?.at ?? 0) - living.begunAt).toBeGreaterThanOrEqual(200);
});
