import { expect, test } from 'vitest';
import { sampleConnection, sampleId } from '../../test/support/samples.ts';
import type { WorkerRecord } from '../core/record.ts';
import { fromRow, toRow } from './messages.ts';

const accepted = (() => {
  const { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt, tls } =
    sampleConnection({ id: sampleId(1) });
  return { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt, tls };
})();
const counters = { id: accepted.id, bytesIn: 3, bytesOut: 2, firstByteAt: 5 };

test.each<WorkerRecord>([
  { kind: 'opened', connection: accepted },
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
    ...{ kind: 'closed', at: 9, halfClosedAt: null, initiator: 'peer', reason: 'peer_rst' },
    ...{ error: 'ECONNRESET', ...counters },
  },
  { kind: 'half_closed', at: 8, ...counters },
  { kind: 'counters', ...counters },
])('a $kind record arrives as it was sent', (record) => {
  expect(fromRow(JSON.parse(JSON.stringify(toRow(record))))).toEqual(record);
});
