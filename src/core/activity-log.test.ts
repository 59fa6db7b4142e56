import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import {
  keepingLogger,
  sampleConnection,
  sampleId,
  sampleListener,
} from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { ActivityLog } from './activity-log.ts';
import type { Connection } from './connection.ts';
import { type EventDraft, type ListenerEventType, listenerEvent } from './event.ts';
import type { Listener } from './listener.ts';

const limits = { connectionsPerSecondMax: 20, listenersPerSecondMax: 10 };

function makeLog({ isInfoShown = true, name = 'tour' as string | null } = {}) {
  const logger = keepingLogger();
  const activity = new ActivityLog({ logger, nameOf: () => name, isInfoShown, limits });
  activity.begin();
  return {
    activity,
    commit: (...events: EventDraft[]) => activity.onCommit({ events }),
    lines: logger.lines,
    /** What was said, in order. */
    said: () => logger.lines.map(({ message }) => message),
  };
}

function connectionEvent(
  type: 'connection_opened' | 'connection_half_closed' | 'connection_closed',
  given: Partial<Connection> = {},
): EventDraft {
  const connection = sampleConnection(given);
  return { type, time: 1, listenerId: connection.listenerId, connection };
}

function refusedEvent(count: number): EventDraft {
  const { laddr, raddr } = sampleConnection();
  const refusal = { protocol: 'tcp', laddr, raddr, rule: 'max_connections', count } as const;
  return { type: 'connection_refused', time: 1, listenerId: sampleId(1), refusal };
}

test.each<[ListenerEventType, Partial<Listener>, object]>([
  ['listener_listening', {}, { level: 'info', message: 'listening' }],
  ['listener_listening', { updatedAt: 2_000_000 }, { level: 'info', message: 'listening again' }],
  [
    'listener_failed',
    { reason: { code: 'port_in_use', message: 'the address is in use' }, laddr: null, port: 80 },
    {
      level: 'warn',
      message: 'cannot listen',
      fields: { laddr: '127.0.0.1:80', reason: 'the address is in use' },
    },
  ],
  ['listener_updated', {}, { level: 'info', message: 'changed' }],
  ['listener_updated', { state: 'draining' }, { level: 'info', message: 'draining' }],
  [
    'listener_closed',
    { state: 'closed', totalConnections: 7 },
    { level: 'info', message: 'closed', fields: { connections: 7 } },
  ],
])('%s of %j has its line', (type, given, line) => {
  const { commit, lines } = makeLog();
  commit(listenerEvent(type, sampleListener({ name: 'tour', ...given })));
  expect(lines).toMatchObject([line]);
  expect(lines[0]?.fields).toMatchObject({ listener: 'tour', protocol: 'tcp' });
});

test('a new listener has one line, and one without a name goes by its id', () => {
  const { commit, lines } = makeLog();
  const listener = sampleListener();
  commit(
    listenerEvent('listener_created', listener),
    listenerEvent('listener_listening', listener),
  );
  const fields = { listener: listener.id, listenerId: listener.id, protocol: 'tcp' };
  const laddr = '127.0.0.1:40000';
  expect(lines).toEqual([{ level: 'info', fields: { ...fields, laddr }, message: 'listening' }]);
});

test('a connection has a line when it opens and one when it closes, which says how', () => {
  const { commit, lines } = makeLog();
  commit(
    connectionEvent('connection_opened', { declaredRaddr: { ip: '2001:db8::1', port: 9 } }),
    connectionEvent('connection_half_closed'),
    connectionEvent('connection_closed', {
      ...{ acceptedAt: 1_000_000, closedAt: 3_500_400, bytesIn: 5, bytesOut: 6 },
      ...{ closeReason: 'peer_rst', closeInitiator: 'peer', error: 'ECONNRESET' },
    }),
  );
  const who = {
    listener: 'tour',
    listenerId: sampleId(1),
    connectionId: sampleId(100),
    raddr: '127.0.0.1:50000',
  };
  const how = { reason: 'peer_rst', initiator: 'peer', error: 'ECONNRESET' };
  const level = 'info';
  expect(lines).toEqual([
    { level, fields: { ...who, declaredRaddr: '[2001:db8::1]:9' }, message: 'connected' },
    {
      level,
      fields: { ...who, ...how, bytesIn: 5, bytesOut: 6, durationMs: 2500 },
      message: 'disconnected',
    },
  ]);
});

test('one whose address nobody knows has none in its line', () => {
  const { commit, lines } = makeLog();
  commit(connectionEvent('connection_opened', { raddr: null }));
  expect(lines).toMatchObject([{ message: 'connected' }]);
  expect(lines[0]?.fields).not.toHaveProperty('raddr');
});

test('a refusal names its rule, and how many it stands for', () => {
  const { commit, lines } = makeLog({ name: null });
  commit(refusedEvent(12));
  const fields = { listener: sampleId(1), raddr: '127.0.0.1:50000', rule: 'max_connections' };
  expect(lines).toMatchObject([{ fields: { ...fields, count: 12 }, message: 'refused' }]);
});

test(
  'above so many a second connections are counted by what happened, and told once',
  long,
  async () => {
    const { activity, commit, lines, said } = makeLog();
    const opened = Array.from({ length: 1000 }, () => connectionEvent('connection_opened'));
    const closed = Array.from({ length: 900 }, () => connectionEvent('connection_closed'));
    commit(...opened, ...closed, refusedEvent(5), refusedEvent(70));
    expect(said()).toEqual(Array(20).fill('connected'));
    // Listeners have lines of their own.
    commit(listenerEvent('listener_closed', sampleListener()));
    expect(said().at(-1)).toBe('closed');
    const last = await waitFor('the end of the second', () => lines[21]);
    const fields = { opened: 980, closed: 900, refused: 75 };
    expect(last).toEqual({ level: 'info', fields, message: 'connections not shown' });
    commit(connectionEvent('connection_opened'));
    expect(said().at(-1)).toBe('connected');
    activity[Symbol.dispose]();
    expect(lines).toHaveLength(23);
  },
);

test('listeners are bounded as well, warnings among them; the end tells what is not told yet', () => {
  const { activity, commit, lines, said } = makeLog();
  const failed = sampleListener({ state: 'failed' });
  commit(...Array.from({ length: 30 }, () => listenerEvent('listener_failed', failed)));
  commit(listenerEvent('listener_listening', sampleListener()));
  expect(said()).toEqual(Array(10).fill('cannot listen'));
  activity[Symbol.dispose]();
  activity[Symbol.dispose]();
  const fields = { 'cannot listen': 20, listening: 1 };
  expect(lines.slice(10)).toEqual([{ level: 'info', fields, message: 'listeners not shown' }]);
});

test('where news are not shown, connections are not looked at', () => {
  const { activity, commit, lines } = makeLog({ isInfoShown: false });
  for (let n = 0; n < 100; n += 1) commit(connectionEvent('connection_opened'), refusedEvent(1));
  commit(listenerEvent('listener_failed', sampleListener({ state: 'failed' })));
  activity[Symbol.dispose]();
  expect(lines).toMatchObject([{ level: 'warn', message: 'cannot listen' }]);
});

test('nothing is told before it begins', () => {
  const logger = keepingLogger();
  const activity = new ActivityLog({ logger, nameOf: () => null, isInfoShown: true, limits });
  activity.onCommit({ events: [listenerEvent('listener_closed', sampleListener())] });
  expect(logger.lines).toEqual([]);
});
