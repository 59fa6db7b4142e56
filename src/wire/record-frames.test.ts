import { expect, test } from 'vitest';
import { sampleConnection, sampleId } from '../../test/support/samples.ts';
import type { WorkerRecord } from '../core/record.ts';
import { readRows, rowsBytes, rowsText } from './record-frames.ts';
import { WireError } from './wire-error.ts';

const limits = { frameRecordsMax: 10, frameBytesMax: 100_000 };
const { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt } =
  sampleConnection();
const tls = {
  ...{ version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', sni: 'a', alpn: null },
  ...{ clientFingerprint256: null, clientAuthorized: false },
};
const accepted = { id, listenerId, protocol, laddr, raddr, declaredRaddr, pid, fd, acceptedAt };
const opened: WorkerRecord = { kind: 'opened', connection: { ...accepted, tls: null } };
const counters = { id, bytesIn: 3, bytesOut: 2, firstByteAt: 5, lastByteAt: 6 };
const end = { closeInitiator: 'peer', closeReason: 'peer_rst', error: 'ECONNRESET' } as const;

const every: readonly WorkerRecord[] = [
  opened,
  { kind: 'opened', connection: { ...accepted, raddr: null, pid: pid + 1, tls } },
  { kind: 'half_closed', connection: { ...counters, halfClosedAt: 7 } },
  { kind: 'counters', connection: counters },
  { kind: 'closed', connection: { ...counters, ...end, closedAt: 9, halfClosedAt: null } },
  {
    ...{ kind: 'refused', at: 10, listenerId },
    refusal: { protocol: 'udp', laddr, raddr: null, rule: 'udp_rate', count: 12 },
  },
];

test.each(every)('a $kind record arrives as it was sent', (record) => {
  expect(readRows(rowsBytes([rowsText([record])]), limits)).toEqual([record]);
});

test('two texts are one frame, whichever worker each is of', () => {
  expect(readRows(rowsBytes([rowsText(every), rowsText([opened])]), limits)).toEqual([
    ...every,
    opened,
  ]);
});

test('strangers’ words are cut, and what else a record has is left out', () => {
  const connection = { ...accepted, tls: { ...tls, sni: 'x'.repeat(1000) }, extra: 'root' };
  const [record] = readRows(rowsBytes([rowsText([{ kind: 'opened', connection }])]), limits);
  expect(record).toEqual({
    kind: 'opened',
    connection: { ...accepted, tls: { ...tls, sni: 'x'.repeat(255) } },
  });
  const [counted] = readRows(
    Buffer.from(JSON.stringify([{ kind: 'counters', connection: counters, project: 1 }])),
    limits,
  );
  expect(counted).toEqual({ kind: 'counters', connection: counters });
});

const rows = (...all: readonly unknown[]) => Buffer.from(JSON.stringify(all));
const opening = (given: object) =>
  rowsBytes([
    rowsText([
      { kind: 'opened', connection: { ...accepted, tls: null, ...given } } as WorkerRecord,
    ]),
  ]);
const refusing = (count: number) => {
  const refusal = { protocol: 'udp', laddr, raddr: null, rule: 'udp_rate', count } as const;
  return rowsBytes([rowsText([{ kind: 'refused', at: 10, listenerId, refusal }])]);
};
const closed = { ...counters, ...end, closedAt: 9, halfClosedAt: null };

test.each<[string, Buffer]>([
  ['no JSON', Buffer.from('[')],
  ['no list', Buffer.from('{"kind":"opened"}')],
  ['an empty list', rows()],
  ['null', rows(null)],
  ['a number', rows(1)],
  ['an opened row before what it has in common', rows(['o', id])],
  ['a row of a strange kind', rows(['x'])],
  ['a record of a strange kind', rows({ kind: 'audit' })],
  ['a record without a connection', rows({ kind: 'counters' })],
  ['an id that is none', rows({ kind: 'counters', connection: { ...counters, id: "' OR 1" } })],
  ['negative bytes', rows({ kind: 'counters', connection: { ...counters, bytesIn: -1 } })],
  [
    'bytes that are no number',
    rows({ kind: 'counters', connection: { ...counters, bytesIn: '3' } }),
  ],
  ['a strange reason', rows({ kind: 'closed', connection: { ...closed, closeReason: 'bored' } })],
  ['an address that is none', rows(['p', listenerId, 'tcp', { ip: 'x', port: 1 }, 1], ['o', id])],
  ['an address with a zone', opening({ laddr: { ip: 'fe80::1%eth0', port: 1 } })],
  ['a remote address with a zone', opening({ raddr: { ip: 'fe80::1%eth0', port: 1 } })],
  ['a pid that no system gives', opening({ pid: 2 ** 31 })],
  ['an fd that no system gives', opening({ fd: 2 ** 31 })],
  ['more refusals than one record stands for', refusing(1_000_000_001)],
  ['too many', rows(...Array<unknown>(11).fill({ kind: 'counters', connection: counters }))],
  ['too many bytes', Buffer.alloc(limits.frameBytesMax + 1, ' ')],
])('%s is refused', (_, bytes) => {
  expect(() => readRows(bytes, limits)).toThrow(WireError);
});

test('a row that is refused is named by its field, without what is in it', () => {
  const two = rowsText([
    opened,
    { kind: 'opened', connection: { ...accepted, fd: 2 ** 31, tls: null } },
  ]);
  expect(() => readRows(rowsBytes([two]), limits)).toThrow(
    new WireError('records: 1.connection.fd is not what it has to be'),
  );
});

test('a frame is full of records, each of a listener of its own, and no fuller', () => {
  const ids = Array.from({ length: 11 }, (_, at) => sampleId(at));
  const all = ids.map((listenerId) => ({
    kind: 'opened' as const,
    connection: { ...accepted, listenerId, tls: null },
  }));
  expect(readRows(rowsBytes([rowsText(all.slice(1))]), limits)).toEqual(all.slice(1));
  expect(() => readRows(rowsBytes([rowsText(all)]), limits)).toThrow('more than 10');
  expect(() => readRows(Buffer.from(`[${Array(21).fill('["c"]')}]`), limits)).toThrow(
    'more than 10',
  );
});
