import { expect, test } from 'vitest';
import { sampleConnection, sampleEvent, sampleId } from '../../test/support/samples.ts';
import type { EventDraft } from '../core/event.ts';
import { Metrics } from './prometheus.ts';

test('who was let in or turned away without an address is counted', async () => {
  const metrics = new Metrics();
  const { laddr, protocol } = sampleConnection();
  const refusal = { protocol, laddr, raddr: null, rule: 'allow_cidrs', count: 3 } as const;
  const refused = {
    type: 'connection_refused',
    time: 1,
    listenerId: sampleId(1),
    refusal,
  } as const;
  const events: EventDraft[] = [sampleEvent(), sampleEvent({ raddr: null }), refused];
  metrics.onCommit({ events, durationMs: 1 });
  expect(await metrics.text()).toMatch(/^kodama_connections_raddr_unknown_total 4$/m);
});
