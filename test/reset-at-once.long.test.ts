/** Thousands of peers that reset right after the handshake, with normal clients among them: none is missing. */
import { expect, test } from 'vitest';
import { resetAtOnce } from './support/resetting-clients.ts';
import { all, call, want } from './support/rest-client.ts';
import { talk } from './support/tcp-client.ts';
import { startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** A round is less than a backlog holds: the kernel drops none of them. */
const rounds = 10;
const perRound = 1000;
const talkers = 5;

test.each<[string, object]>([
  ['TCP', {}],
  ['TCP, durable', { recording: 'durable' }],
  ['TLS', { protocol: 'tls' }],
  ['a PROXY header', { proxyProtocol: { mode: 'required', trustedCidrs: [] } }],
])(
  '%s: 10,000 resets are on record, each with its address, and who talks is echoed',
  async (_, spec) => {
    await using app = await startApp({ KODAMA_WORKERS: '2' });
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', spec);
    const plain = await want(201, app, 'POST', '/v1/listeners', {});
    let isOver = false;
    let talks = 0;
    const talking = Array.from({ length: talkers }, async () => {
      while (!isOver) {
        const text = `talk ${talks++}`;
        expect(await talk(plain.laddr.port, text)).toBe(text);
      }
    });
    const clients: string[] = [];
    for (let round = 1; round <= rounds; round++) {
      clients.push(...(await resetAtOnce({ port: laddr.port, count: perRound, atOnce: 50 })));
      await waitFor('all that were handed over', async () => {
        const now = await want(200, app, 'GET', `/v1/listeners/${id}`);
        return now.totalConnections >= clients.length && now.openConnections === 0;
      });
    }
    isOver = true;
    await Promise.all(talking);
    expect(clients).toHaveLength(rounds * perRound);

    const records = await all(app, `/v1/connections?listener=${id}&state=closed`, 'connections');
    expect(records.map(({ raddr }) => `${raddr?.ip}:${raddr?.port}`).toSorted()).toEqual(
      clients.toSorted(),
    );
    const ends = Map.groupBy(records, ({ closeReason, closeInitiator, bytesIn, bytesOut }) =>
      [closeReason, closeInitiator, bytesIn, bytesOut].join(' '),
    );
    expect([...ends.keys()]).toEqual(['peer_rst peer 0 0']);
    const { body } = await call(app, 'GET', '/metrics');
    expect(body).toMatch(/^kodama_connections_raddr_unknown_total 0$/m);
    await waitFor('the last talk', async () => {
      const now = await want(200, app, 'GET', `/v1/listeners/${plain.id}`);
      return now.totalConnections === talks && now.openConnections === 0;
    });
  },
);
