import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  sampleConnection,
  sampleEvent,
  sampleFault,
  sampleId,
  sampleListener,
} from '../../test/support/samples.ts';
import { connectionJson, eventJson, listenerJson } from './resource-json.ts';
import { connectionResource, eventResource, listenerResource } from './resources.ts';

/** What core would hold, from what a client reads; fails where the schema has it otherwise. */
function readBack(schema: z.ZodType, json: string): unknown {
  return z.encode(schema, JSON.parse(json));
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
  expect(connectionJson({ ...unknown, listenerName: 'echo' })).toContain('"raddr":null');
  const opened = eventJson({ ...sampleEvent({ raddr: null }), seq: 1 }, 'echo');
  expect(readBack(eventResource, opened)).toMatchObject({ connection: { raddr: null } });
  const turnedAway = eventJson({ ...refused, seq: 2 }, 'echo');
  expect(readBack(eventResource, turnedAway)).toMatchObject({ refusal: { raddr: null } });
});

test('what is shown of a connection is all that core holds of it', () => {
  const connection = sampleConnection({ state: 'closed', closedAt: 1_764_140_000_123_456 });
  const json = connectionJson({ ...connection, listenerName: 'echo' });
  expect(JSON.parse(json)).toMatchObject({
    closedAt: '2025-11-26T06:53:20.123456Z',
    halfClosedAt: null,
  });
  expect(readBack(connectionResource, json)).toEqual({ ...connection, listenerName: 'echo' });
});

test('what is shown of a listener is all but secrets, and what only the store needs', () => {
  const { revision, project, ...listener } = sampleListener({
    faults: [{ ...sampleFault, expiresAt: 5_000_000 }],
    expiresAt: 6_000_000,
  });
  const withSecrets = { ...listener, revision, project, tlsKey: 'secret' };
  const json = listenerJson(withSecrets);
  expect(json).not.toContain('secret');
  expect(readBack(listenerResource, json)).toEqual(listener);
});
