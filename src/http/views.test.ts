import { expect, test } from 'vitest';
import { sampleConnection, sampleEvent, sampleId } from '../../test/support/samples.ts';
import { connectionResource, eventResource } from './resources.ts';
import { connectionView, eventView } from './views.ts';

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
  expect(connectionResource.parse(connectionView(unknown, 'echo')).raddr).toBeNull();
  const opened = eventView({ ...sampleEvent({ raddr: null }), seq: 1 }, 'echo');
  expect(eventResource.parse(opened)).toMatchObject({ connection: { raddr: null } });
  const turnedAway = eventView({ ...refused, seq: 2 }, 'echo');
  expect(eventResource.parse(turnedAway)).toMatchObject({ refusal: { raddr: null } });
});
