/** Clients that reset while they are not read from, nor written to: nothing tells of it, and they are looked at. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { connectionOnce, halfOpen, listenWith } from './support/fault-client.ts';
import { closedConnections } from './support/history.ts';
import { openClient, wantRefused } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

const listen = (faults: readonly object[], spec: object = {}) => listenWith(app, faults, spec);
const wantState = (id: string, state: string) =>
  connectionOnce(app, id, `that is ${state}`, (connection) => connection.state === state);
const longDelay = [{ type: 'accept_delay', delayMs: 86_400_000 }];
const stall = [{ type: 'blackhole', how: 'stall' }];
const peerRst = { closeReason: 'peer_rst', closeInitiator: 'peer', bytesOut: 0 };

test.concurrent.each([
  ['in a stall', stall, {}],
  ['in its accept_delay', longDelay, {}],
  [
    'in the one before its PROXY header',
    longDelay,
    { proxyProtocol: { mode: 'required', trustedCidrs: [] } },
  ],
  ['in the one before its handshake', longDelay, { protocol: 'tls' }],
])('%s has ended on record, with bytes unread', async (_, faults, spec) => {
  const { id, port } = await listen(faults, { ...spec, limits: { maxConnections: 1 } });
  await using client = await openClient(port);
  await new Promise((sent) => client.socket.write('hello', sent));
  await wantRefused(port);
  client.socket.resetAndDestroy();
  expect(await closedConnections(app, id)).toMatchObject([{ ...peerRst, error: 'ECONNRESET' }]);
});

test.concurrent('behind its FIN has ended on record', async () => {
  const { id, port } = await listen([{ type: 'blackhole' }]);
  await using client = await openClient(port, halfOpen);
  client.socket.end('hello');
  await wantState(id, 'half_closed');
  client.socket.resetAndDestroy();
  expect(await closedConnections(app, id)).toMatchObject([{ ...peerRst, error: 'EPIPE' }]);
});

test.concurrent.each(['stall', 'drop'])('over TLS as well: %s', async (how) => {
  const { id, port } = await listen([{ type: 'blackhole', how }], { protocol: 'tls' });
  await using raw = await openClient(port, halfOpen);
  const client = connect({ socket: raw.socket, rejectUnauthorized: false });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  client.end('hello');
  await wantState(id, how === 'drop' ? 'half_closed' : 'open');
  raw.socket.resetAndDestroy();
  expect(await closedConnections(app, id)).toMatchObject([peerRst]);
});
