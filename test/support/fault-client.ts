/** What tests of faults share: listeners that have some, and what their clients wait for. */
import { want } from './rest-client.ts';
import type { TcpClient } from './tcp-client.ts';
import type { RunningApp } from './test-app.ts';
import { waitFor } from './wait-for.ts';

export const byFault = { closeReason: 'fault', closeInitiator: 'server', error: null };
export const byPeer = { closeReason: 'peer_fin', closeInitiator: 'peer', error: null };
/** A client's own FIN is not sent by itself when it sees the server's. */
export const halfOpen = { allowHalfOpen: true };

export const now = (): number => performance.now();

export async function listenWith(app: RunningApp, faults: readonly object[], spec: object = {}) {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { faults, ...spec });
  return { id: id as string, port: laddr.port as number };
}

export async function patchFaults(app: RunningApp, id: string, faults: readonly object[]) {
  return await want(200, app, 'PATCH', `/v1/listeners/${id}`, { faults });
}

/** When so many bytes were there. */
export async function arrivalOf(client: TcpClient, bytes: number): Promise<number> {
  const last = await waitFor(`${bytes} bytes`, () => client.arrivals.find((a) => a.total >= bytes));
  return last.at;
}

/** When the server's FIN was there, or a little later. */
export async function wantEnd(client: TcpClient): Promise<number> {
  await waitFor('the FIN', () => client.sawEnd);
  return now();
}

/** Text in which no two places look the same. */
export function numbered(bytes: number): string {
  let text = '';
  for (let n = 0; text.length < bytes; n += 1) text += `${n},`;
  return text.slice(0, bytes);
}

/** The listener's only connection, once the condition holds; where it never does, what there was instead is told. */
export async function connectionOnce(
  app: RunningApp,
  id: string,
  what: string,
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
  condition: (connection: any) => boolean,
) {
  let seen: unknown = null;
  const missed = () => `a connection ${what}, and saw ${JSON.stringify(seen)}`;
  return await waitFor(missed, async () => {
    const { connections } = await want(200, app, 'GET', `/v1/connections?listener=${id}`);
    seen = connections;
    return connections.length === 1 && condition(connections[0]) && connections[0];
  });
}
