/** UDP listeners and their sessions as the API shows them, and two nodes whose datagrams go round. */
import { expect } from 'vitest';
import type { Config } from '../../src/config.ts';
import { all, want } from './rest-client.ts';
import type { RunningApp, Tune } from './test-app.ts';
import { openUdp } from './udp-client.ts';
import { waitFor } from './wait-for.ts';

export const withDataPlane =
  (change: Partial<Config['dataPlane']>): Tune =>
  (config) => ({ ...config, dataPlane: { ...config.dataPlane, ...change } });

export function listenUdp(at: RunningApp, spec: object = {}) {
  return want(201, at, 'POST', '/v1/listeners', { protocol: 'udp', ...spec });
}

export function sessionsOf(app: RunningApp, { id }: { id: string }, filter = '') {
  return all(app, `/v1/connections?listener=${id}${filter}`, 'connections');
}

export async function refusalsOf(app: RunningApp, { id }: { id: string }) {
  const query = `afterSeq=0&listenerId=${id}&type=connection_refused`;
  const events = await all(app, `/v1/events?${query}`, 'events');
  return events.map(({ refusal }) => refusal);
}

/** Waits until there are as many. */
export async function sessionsWhen(
  app: RunningApp,
  listener: { id: string },
  count: number,
  filter = '',
) {
  let found: Awaited<ReturnType<typeof sessionsOf>> = [];
  await waitFor(`${count} sessions`, async () => {
    found = await sessionsOf(app, listener, filter);
    return found.length === count;
  });
  return found;
}

export async function refusalsWhen(
  app: RunningApp,
  listener: { id: string },
  isEnough: (refusals: Awaited<ReturnType<typeof refusalsOf>>) => boolean,
) {
  let found: Awaited<ReturnType<typeof refusalsOf>> = [];
  await waitFor('the refusals', async () => {
    found = await refusalsOf(app, listener);
    return isEnough(found);
  });
  return found;
}

/** Waits for the session of the listener, which must be the only one, to be closed. */
export function closedSession(app: RunningApp, listener: { id: string }) {
  return waitFor('the close', async () => {
    const [session, ...others] = await sessionsOf(app, listener);
    expect(others).toEqual([]);
    return session?.state === 'closed' && session;
  });
}

/** What goes round between a listener of either is not answered for ever, whatever these faults make of it. */
export async function bounceToDeath(
  [one, two]: readonly [RunningApp, RunningApp],
  faults: readonly object[],
): Promise<void> {
  const limits = { udpIdleTimeoutMs: 1000 };
  const there = await listenUdp(one, { host: '0.0.0.0', limits, faults });
  const here = await listenUdp(two, { limits, faults });
  const refusals = async () => [
    ...(await refusalsOf(one, there)),
    ...(await refusalsOf(two, here)),
  ];
  // We share the port of the first for as long as it takes to send; then all answers go to it alone.
  await waitFor('a loop that was ended', async () => {
    await using posing = await openUdp({ port: there.laddr.port, reusePort: true });
    for (let n = 0; n < 20; n++) await posing.send(here.laddr, `round ${n}`);
    return (await refusals()).length > 0;
  });
  const rules = (await refusals()).map(({ rule }) => rule);
  expect(new Set(rules)).toEqual(new Set(['udp_loop']));
  // A session whose datagrams go round never falls idle.
  await waitFor('silence', async () => {
    const sessions = [...(await sessionsOf(one, there)), ...(await sessionsOf(two, here))];
    return sessions.every(({ closeReason }) => closeReason === 'idle_timeout');
  });
}
