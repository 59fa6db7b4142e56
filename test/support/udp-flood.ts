/** More than a UDP listener takes: of sources, of noise and of the largest datagrams there are. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { want } from './rest-client.ts';
import type { RunningApp } from './test-app.ts';
import { openUdp, type UdpClient } from './udp-client.ts';
import { waitFor } from './wait-for.ts';

const largest = 65_507;

/** Memory is bounded, the API answers meanwhile, and after it the listener echoes. */
export async function floodAndServe(
  app: RunningApp,
  { sourcesCount, sessionsMax }: { readonly sourcesCount: number; readonly sessionsMax: number },
): Promise<void> {
  const limits = { maxConnections: sessionsMax, udpIdleTimeoutMs: 500 };
  const spec = { protocol: 'udp', limits };
  const { id, laddr, sockets } = await want(201, app, 'POST', '/v1/listeners', spec);
  const openSessions = async (): Promise<number> =>
    (await want(200, app, 'GET', `/v1/listeners/${id}`)).openConnections;
  await using resources = new AsyncDisposableStack();
  const sources: UdpClient[] = [];
  for (let n = 0; n < sourcesCount; n++) {
    const ip = `127.0.${n % 250}.${1 + (n % 7)}`;
    sources.push(resources.use(await openUdp({ ip })));
  }
  const noise = randomBytes(largest);
  for (let round = 0; round < 5; round++) {
    const size = round % 2 === 0 ? 200 : largest;
    const sent = sources.map((source) => source.send(laddr, noise.subarray(0, size)));
    const askedAt = performance.now();
    await want(200, app, 'GET', '/v1/status');
    expect(performance.now() - askedAt).toBeLessThan(5000);
    await Promise.all(sent);
    expect(await openSessions()).toBeLessThanOrEqual(sessionsMax);
  }
  if (process.platform === 'linux') {
    const status = readFileSync(`/proc/${sockets[0].pid}/status`, 'utf8');
    expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(400 * 1024);
  }
  await waitFor('the last session', async () => (await openSessions()) === 0);
  await using client = await openUdp();
  // What is left of the flood may still fill the socket: then the kernel drops what comes.
  await waitFor('an echo', async () => {
    await client.send(laddr, 'well again');
    return client.answers.length > 0;
  });
  expect(String(client.answers[0]?.bytes)).toBe('well again');
}
