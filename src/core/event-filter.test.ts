import { expect, test } from 'vitest';
import {
  sampleConnection,
  sampleEvent,
  sampleId,
  sampleListener,
} from '../../test/support/samples.ts';
import type { EventDraft } from './event.ts';
import { type EventFilter, eventMatcher, everyEvent, isEveryEvent } from './event-filter.ts';

const opened = sampleEvent({ id: sampleId(7), raddr: { ip: '10.1.2.3', port: 5 } });
const proxied = sampleEvent({
  id: sampleId(8),
  protocol: 'tls',
  declaredRaddr: { ip: '2001:db8::5', port: 6 },
});
const listening: EventDraft = {
  type: 'listener_listening',
  time: 1,
  listenerId: sampleId(2),
  listener: sampleListener({ id: sampleId(2), protocol: 'udp' }),
};
const refused = {
  type: 'connection_refused' as const,
  time: 1,
  listenerId: sampleId(1),
  refusal: {
    protocol: 'tcp',
    laddr: sampleConnection().laddr,
    raddr: { ip: '10.9.9.9', port: 1 },
    rule: 'max_connections',
    count: 3,
  },
} satisfies EventDraft;
const all = [opened, proxied, listening, refused];

function matching(filter: Partial<EventFilter>): readonly EventDraft[] {
  return all.filter(eventMatcher({ ...everyEvent, ...filter }));
}

test('a filter of nothing wants everything', () => {
  expect(isEveryEvent(everyEvent)).toBe(true);
  expect(matching({})).toEqual(all);
  expect(isEveryEvent({ ...everyEvent, types: ['listener_closed'] })).toBe(false);
});

test('an address that is not known is in no network', () => {
  const unknown = sampleEvent({ raddr: null });
  const declared = sampleEvent({ raddr: null, declaredRaddr: { ip: '10.1.2.3', port: 5 } });
  const refusedUnknown = { ...refused, refusal: { ...refused.refusal, raddr: null } };
  const isMatch = eventMatcher({ ...everyEvent, remoteCidrs: ['0.0.0.0/0', '::/0'] });
  expect([unknown, declared, refusedUnknown].map(isMatch)).toEqual([false, true, false]);
  expect(eventMatcher(everyEvent)(unknown)).toBe(true);
});

test('each field wants any of its values', () => {
  expect(matching({ listenerIds: [sampleId(2)] })).toEqual([listening]);
  expect(matching({ connectionIds: [sampleId(7), sampleId(8)] })).toEqual([opened, proxied]);
  expect(matching({ types: ['connection_refused', 'listener_listening'] })).toEqual([
    listening,
    refused,
  ]);
  expect(matching({ protocols: ['udp', 'tls'] })).toEqual([proxied, listening]);
});

test('the remote networks match the address of the socket, the declared one and the refused one', () => {
  expect(matching({ remoteCidrs: ['10.0.0.0/8'] })).toEqual([opened, refused]);
  expect(matching({ remoteCidrs: ['2001:db8::/32'] })).toEqual([proxied]);
  expect(matching({ remoteCidrs: ['127.0.0.1'] })).toEqual([proxied]);
  expect(matching({ remoteCidrs: ['192.168.0.0/16'] })).toEqual([]);
});

test('an event of a listener is about no connection and no remote address', () => {
  expect(matching({ connectionIds: [sampleId(2)] })).toEqual([]);
  expect(matching({ remoteCidrs: ['0.0.0.0/0', '::/0'] })).toEqual([opened, proxied, refused]);
});

test('all fields that are given must hold', () => {
  const remoteCidrs = ['10.0.0.0/8'];
  expect(matching({ remoteCidrs, types: ['connection_opened'] })).toEqual([opened]);
  expect(matching({ remoteCidrs, types: ['connection_closed'] })).toEqual([]);
  expect(matching({ remoteCidrs, protocols: ['tcp'], listenerIds: [sampleId(2)] })).toEqual([]);
});
