/** What is left of a log that is kept only so long, through REST and gRPC. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { all, call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const kept = 200;
const visits = 150;

test(
  'beyond its size the log is let go of, every edge tells from where on it is kept, and what lives stays',
  long,
  async () => {
    await using home = await makeHome();
    await using first = await startApp({}, home);
    const gone = await want(201, first, 'POST', '/v1/listeners', {});
    await talk(gone.laddr.port, 'gone');
    await want(204, first, 'DELETE', `/v1/listeners/${gone.id}`);
    const listener = await want(201, first, 'POST', '/v1/listeners', {});
    await using lasting = await openClient(listener.laddr.port);
    await lasting.echo('still here');
    for (let count = 0; count < visits; count += 50) {
      await Promise.all(Array.from({ length: 50 }, () => talk(listener.laddr.port, 'visit')));
    }
    const { headSeq } = await waitFor('all events', async () => {
      const view = await want(200, first, 'GET', `/v1/listeners/${listener.id}`);
      const isAll = view.totalConnections === visits + 1 && view.openConnections === 1;
      return isAll ? want(200, first, 'GET', '/v1/status') : null;
    });

    // Another node of the same log, which keeps less of it.
    await using second = await startApp({ KODAMA_NODE_ID: 'second' }, home, (config) => ({
      ...config,
      retention: { ...config.retention, eventsMax: kept },
    }));
    const oldestSeq = headSeq - kept + 1;
    await waitFor('the purge', async () => {
      const now = await want(200, second, 'GET', '/v1/status');
      return now.oldestSeq === oldestSeq && now.headSeq === headSeq;
    });
    const expired = { status: 410, body: { code: 'cursor_expired', oldestSeq } };
    expect(await call(second, 'GET', `/v1/events?afterSeq=${oldestSeq - 2}`)).toMatchObject(
      expired,
    );
    using stream = streamEvents(second.grpcAddress, { listenerIds: [] }, { afterSeq: 1 });
    const error = await stream.ended;
    expect(error?.code).toBe(status.OUT_OF_RANGE);
    expect(error?.metadata.get('kodama-oldest-seq')).toEqual([String(oldestSeq)]);

    const events = await all(second, '/v1/events?afterSeq=0', 'events');
    expect(events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: kept }, (_, index) => oldestSeq + index),
    );
    expect(await call(second, 'GET', `/v1/listeners/${gone.id}`)).toMatchObject({ status: 404 });
    const connections = await all(second, '/v1/connections', 'connections');
    const open = connections.filter(({ state }) => state === 'open');
    expect(open.map(({ listenerId }) => listenerId)).toEqual([listener.id]);
    expect(connections.some(({ listenerId }) => listenerId === gone.id)).toBe(false);
    expect(connections.length).toBeLessThan(visits);
    expect(await lasting.echo('still here')).toBe('still here');
  },
);
