import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  sampleConnection,
  sampleEvent,
  sampleFault,
  sampleId,
  sampleListener,
} from '../../test/support/samples.ts';
import { connectionResource, eventResource, listenerResource } from './resources.ts';
import { connectionView, eventView, listenerView } from './views.ts';

/** What core would hold, from what a client reads; fails where the schema has it otherwise. */
function readBack(schema: z.ZodType, view: object): unknown {
  return z.encode(schema, JSON.parse(JSON.stringify(view)));
}

test('an address that is not known is shown as null, as the schema has it', () => {
  const unknown = sampleConnection({ raddr: null });
  const { laddr, protocol } = unknown;
  const refusal = { protocol, laddr, raddr: null, rule: 'allow_cidrs', count: 1 } as const;
  const refused = {
    type: 'connection_refused',
    time: 1,
    listenerId: sampleId(1),
    refusal,
  } as const;
  expect(connectionView(unknown, 'echo').raddr).toBeNull();
  const opened = eventView({ ...sampleEvent({ raddr: null }), seq: 1 }, 'echo');
  expect(readBack(eventResource, opened)).toMatchObject({ connection: { raddr: null } });
  const turnedAway = eventView({ ...refused, seq: 2 }, 'echo');
  expect(readBack(eventResource, turnedAway)).toMatchObject({ refusal: { raddr: null } });
});

test('what is shown of a connection is all that core holds of it', () => {
  const connection = sampleConnection({ state: 'closed', closedAt: 1_764_140_000_123_456 });
  const view = connectionView(connection, 'echo');
  expect(view).toMatchObject({ closedAt: '2025-11-26T06:53:20.123456Z', halfClosedAt: null });
  expect(readBack(connectionResource, view)).toEqual({ ...connection, listenerName: 'echo' });
});

test('what is shown of a listener is all but secrets, counts of its changes, and what only the store needs', () => {
  const { generation, revision, project, ...listener } = sampleListener({
    faults: [{ ...sampleFault, expiresAt: 5_000_000 }],
    expiresAt: 6_000_000,
  });
  const withSecrets = { ...listener, generation, revision, project, tlsKey: 'secret' };
  const view = listenerView(withSecrets);
  expect(JSON.stringify(view)).not.toContain('secret');
  expect(readBack(listenerResource, view)).toEqual(listener);
});
