/**
 * What the first agents and their replicas said, byte for byte, as it came from them: test/support/first-protocol.json
 * is never made anew. The protos are held by `buf breaking`; the JSON in their fields, and the rows of records, by this.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controlFrames, nodeFrames, observedOf } from './frames.ts';
import { readRows } from './record-frames.ts';

interface Said {
  readonly kind: string;
  /** As base64. */
  readonly frame: string;
}

const path = join(import.meta.dirname, '../../test/support/first-protocol.json');
const said: Readonly<Record<'node' | 'control', readonly Said[]>> = JSON.parse(
  readFileSync(path, 'utf8'),
);
const ofNode = said.node.map(({ frame }) => nodeFrames.decode(Buffer.from(frame, 'base64')));
const ofControl = said.control.map(({ frame }) =>
  controlFrames.decode(Buffer.from(frame, 'base64')),
);

test('every frame is read, and says what it said', () => {
  expect(ofNode.map((frame) => frame?.kind)).toEqual(said.node.map(({ kind }) => kind));
  expect(ofControl.map((frame) => frame?.kind)).toEqual(said.control.map(({ kind }) => kind));
  const [hello, heartbeat, , observed, reply] = ofNode;
  expect(hello).toMatchObject({ nodeId: 'node-1', listenHost: '0.0.0.0', protocols: null });
  expect(heartbeat).toMatchObject({ number: 3, spoolRecords: 5, workers: [{ pid: 4 }] });
  if (observed?.kind !== 'observed') throw new TypeError('it was observed');
  expect(observedOf(observed)).toMatchObject({ state: 'bound', laddr: { ip: '::1', port: 7 } });
  expect(reply).toMatchObject({ problem: { code: 'port_in_use', details: { owner: 'foreign' } } });
  expect(ofControl[1]).toMatchObject({ session: 9, lostAfterMs: 300_000, protocol: 0 });
});

test('its listeners are understood', () => {
  const binding = {
    ...{ protocol: 'tcp', host: '127.0.0.1', port: 0, mode: 'echo', recording: 'durable' },
    limits: { maxConnections: 10, maxBytes: 5, acceptRate: { perSecond: 0.5, burst: 1 } },
    faults: [{ type: 'latency', delayMs: 5, match: { everyNth: 2 } }],
    proxyProtocol: { mode: 'off' },
  };
  const [, , wish, , , , open] = ofControl;
  expect(wish).toMatchObject({ generation: 2, binding });
  expect(open).toMatchObject({ command: 'open', open: { binding } });
});

test('its records are understood', () => {
  const [, , records] = ofNode;
  if (records?.kind !== 'records') throw new TypeError('they are records');
  const rows = readRows(records.rows, { frameRecordsMax: 10, frameBytesMax: 10_000 });
  const counters = { bytesIn: 5, bytesOut: 6, firstByteAt: 7, lastByteAt: 8 };
  expect(rows).toMatchObject([
    { kind: 'opened', connection: { raddr: { ip: '192.0.2.1', port: 3 }, fd: 4, acceptedAt: 5 } },
    { kind: 'half_closed', connection: { ...counters, halfClosedAt: 9 } },
    { kind: 'counters', connection: counters },
    { kind: 'closed', connection: { ...counters, closedAt: 10, closeReason: 'peer_fin' } },
    { kind: 'refused', at: 11, refusal: { rule: 'max_connections', count: 2 } },
  ]);
});
