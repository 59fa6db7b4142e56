import { expect, test } from 'vitest';
import { sampleConnection, sampleId } from '../../test/support/samples.ts';
import type { AcceptedConnection } from '../core/connection.ts';
import type { WorkerRecord } from '../core/record.ts';
import { fromRows, toRows } from './record-rows.ts';

const accepted = (() => {
  const { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt, tls } =
    sampleConnection({ id: sampleId(1) });
  return { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt, tls };
})();
const counters = { id: accepted.id, bytesIn: 3, bytesOut: 2, firstByteAt: 5, lastByteAt: 5 };

function sent(records: readonly WorkerRecord[]) {
  return fromRows(JSON.parse(JSON.stringify(toRows(records))));
}

test.each<WorkerRecord>([
  { kind: 'opened', connection: accepted },
  { kind: 'opened', connection: { ...accepted, raddr: null } },
  {
    kind: 'opened',
    connection: {
      ...accepted,
      protocol: 'tls',
      declaredRaddr: { ip: '2001:db8::1', port: 4 },
      tls: {
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        sni: 'a',
        alpn: null,
        clientFingerprint256: null,
        clientAuthorized: false,
      },
    },
  },
  {
    kind: 'closed',
    connection: {
      ...{ closedAt: 9, halfClosedAt: null, closeInitiator: 'peer', closeReason: 'peer_rst' },
      ...{ error: 'ECONNRESET', ...counters },
    },
  },
  { kind: 'half_closed', connection: { ...counters, halfClosedAt: 8 } },
  { kind: 'counters', connection: counters },
])('a $kind record arrives as it was sent', (record) => {
  expect(sent([record])).toEqual([record]);
});

test('what comes in at several places is told apart, in one batch and in the next', () => {
  const opened = (place: Partial<AcceptedConnection>, n: number): WorkerRecord => ({
    kind: 'opened',
    connection: { ...accepted, ...place, id: sampleId(n) },
  });
  const { listenerId, laddr } = accepted;
  const records = [
    opened({}, 1),
    opened({ laddr: { ...laddr } }, 2),
    opened({ laddr: { ...laddr, ip: '192.0.2.7' } }, 3),
    opened({ laddr: { ...laddr, port: laddr.port + 1 } }, 4),
    opened({ listenerId: sampleId(9), protocol: 'udp' }, 5),
    opened({ listenerId }, 6),
    opened({ pid: accepted.pid + 1 }, 7),
  ];
  expect(sent(records)).toEqual(records);
  expect(sent(records.slice(1, 2))).toEqual(records.slice(1, 2));
  expect(toRows(records.slice(0, 2))).toHaveLength(3);
});
