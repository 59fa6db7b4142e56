import { expect, test } from 'vitest';
import { eventLine, listenerEventLine } from './event-lines.ts';
import type { Connection, Event } from './rest-client.ts';

const time = '2026-11-24T12:00:00.245000Z';
const connection: Connection = {
  id: '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90',
  listenerId: '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e91',
  listenerName: 'tour',
  nodeId: 'node',
  protocol: 'tls',
  laddr: { ip: '127.0.0.1', port: 9000 },
  raddr: { ip: '127.0.0.1', port: 34_478 },
  declaredRaddr: { ip: '203.0.113.7', port: 5555 },
  pid: 19_593,
  fd: 24,
  state: 'open',
  acceptedAt: time,
  firstByteAt: null,
  lastByteAt: null,
  halfClosedAt: null,
  closedAt: null,
  bytesIn: 5,
  bytesOut: 0,
  closeInitiator: null,
  closeReason: null,
  error: null,
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    sni: 'a\u001b[2J\u202eb',
    alpn: null,
    clientFingerprint256: null,
    clientAuthorized: false,
  },
};
const common = { seq: 4711, time, listenerId: connection.listenerId };
const now = Date.parse(time);
const line = (event: Event) => listenerEventLine(event, now).replace(/^\S+ {2}/, '');

test('each step of a connection is a line, with what is new at it', () => {
  const opened: Event = { ...common, type: 'connection_opened', connection };
  expect(line({ ...opened, connection: { ...connection, tls: null, declaredRaddr: null } })).toBe(
    'opened     127.0.0.1:34478        pid 19593 fd 24\n',
  );
  expect(line({ ...opened, type: 'connection_half_closed' })).toContain('  in 5 out 0\n');
  const closed: Connection = {
    ...connection,
    state: 'closed',
    closedAt: '2026-11-24T12:00:03.551000Z',
    closeInitiator: 'peer',
    closeReason: 'peer_rst',
    error: 'ECONNRESET',
  };
  expect(line({ ...common, type: 'connection_closed', connection: closed })).toBe(
    'closed     127.0.0.1:34478        peer_rst by peer (ECONNRESET)  in 5 out 0  3.306 s\n',
  );
});

test('what a stranger says of itself can only be read', () => {
  const text = line({ ...common, type: 'connection_opened', connection });
  expect(text).toContain('declared 203.0.113.7:5555, TLSv1.3 for a\\u{1b}[2J\\u{202e}b\n');
});

test('a refusal has its rule, and an event that is not known its own word', () => {
  const { laddr, raddr, listenerName, protocol } = connection;
  const refusal = { listenerName, protocol, laddr, raddr, rule: 'accept_rate', count: 9 } as const;
  const refused: Event = { ...common, type: 'connection_refused', refusal };
  expect(line(refused)).toBe('refused    127.0.0.1:34478        accept_rate, 9 times\n');
  const strange = { ...common, type: 'node_joined', listenerId: undefined } as unknown as Event;
  expect(eventLine(strange, { now })).toMatch(/^ {3}4711 {2}\S+ {2}node_joined +- +-\n$/);
});

test('the day is told where it is not today', () => {
  const event: Event = { ...common, type: 'connection_opened', connection };
  expect(listenerEventLine(event, now)).toMatch(/^\d\d:\d\d:00\.245 {2}/);
  expect(listenerEventLine(event, now + 5 * 86_400_000)).toMatch(
    /^2026-11-2\d \d\d:\d\d:00\.245 {2}/,
  );
});
