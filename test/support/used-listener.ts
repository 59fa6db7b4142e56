/** A listener with connections that are over, on record. */
import { all, want } from './rest-client.ts';
import { talk } from './tcp-client.ts';
import type { RunningApp } from './test-app.ts';
import { waitFor } from './wait-for.ts';

export async function usedListener(
  app: RunningApp,
  name: string,
  connections: number,
): Promise<{ readonly id: string; readonly port: number }> {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name });
  for (let count = 0; count < connections; count += 1) await talk(laddr.port, 'hello');
  const path = `/v1/connections?listener=${id}&state=closed`;
  await waitFor(
    'their ends',
    async () => (await all(app, path, 'connections')).length === connections,
  );
  return { id, port: laddr.port };
}
