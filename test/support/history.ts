/** What kodama has on record, as a test waits for it. */
import { all } from './rest-client.ts';
import type { RunningApp } from './test-app.ts';
import { waitFor } from './wait-for.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
type Body = any;

/** The connections of a listener, once so many are closed; in the order of their accepts. */
export async function closedConnections(
  app: RunningApp,
  listenerId: string,
  count = 1,
): Promise<Body[]> {
  const path = `/v1/connections?listener=${listenerId}&state=closed`;
  return await waitFor(`${count} closed connections`, async () => {
    const found = await all(app, path, 'connections');
    return found.length >= count ? found.toReversed() : null;
  });
}

/** The newest connection of a listener that is open, once it is on record. */
export async function anOpenConnection(app: RunningApp, listenerId: string): Promise<Body> {
  const path = `/v1/connections?listener=${listenerId}&state=open`;
  return await waitFor('an open connection', async () => {
    const [newest] = await all(app, path, 'connections');
    return newest ?? null;
  });
}

/** The refusals of a listener, once they count so many. */
export async function refusals(app: RunningApp, listenerId: string, count = 1): Promise<Body[]> {
  const path = `/v1/events?afterSeq=0&listenerId=${listenerId}&type=connection_refused`;
  return await waitFor(`${count} refusals`, async () => {
    const found = (await all(app, path, 'events')).map(({ refusal }) => refusal);
    const total = found.reduce((sum, refusal) => sum + refusal.count, 0);
    return total >= count ? found : null;
  });
}
