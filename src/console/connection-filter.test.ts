import { expect, test } from 'vitest';
import { connectionView, eventView } from '../../test/support/console-views.ts';
import {
  completions,
  connectionTest,
  filterOf,
  readTerms,
  refusalTest,
} from './connection-filter.ts';

test('a filter is what the URL has under the names of the API, and nothing else', () => {
  const query = new URLSearchParams('state=open&project=p&at=7&raddr=10.0.0.0/8&lport=');
  expect(filterOf(query)).toEqual({ state: 'open', raddr: '10.0.0.0/8' });
});

test('terms are read by their first colon, and what is none is told', () => {
  expect(readTerms('raddr:fe80::1  acceptedAfter:2026-11-24T12:00:00Z open state: port:9')).toEqual(
    {
      filter: { raddr: 'fe80::1', acceptedAfter: '2026-11-24T12:00:00Z' },
      unread: ['open', 'state:', 'port:9'],
    },
  );
});

test('the last term is completed, by names and then by values', () => {
  expect(completions('state:open acc', [])).toEqual([
    'state:open acceptedAfter:',
    'state:open acceptedBefore:',
  ]);
  expect(completions('state:h', [])).toEqual(['state:half_closed']);
  expect(completions('listener:e', ['edge', 'slow'])).toEqual(['listener:edge']);
  expect(completions('raddr:1', ['edge'])).toEqual([]);
});

test('what no connection can be lets none through', () => {
  const connection = connectionView(1);
  for (const filter of [{ raddr: 'nowhere' }, { lport: 'http' }, { acceptedAfter: 'noon' }])
    expect(connectionTest(filter, null)(connection)).toBe(false);
});

test('a refusal is met by address, listener and time, and never by a state or an end', () => {
  const refused = eventView(7, {
    type: 'connection_refused',
    refusal: {
      listenerName: 'tour',
      protocol: 'tcp',
      laddr: { ip: '127.0.0.1', port: 9000 },
      raddr: { ip: '10.1.2.3', port: 40_000 },
      rule: 'deny_cidrs',
      count: 3,
    },
  });
  const isMet = (filter: object, listenerId: string | null = null) =>
    refusalTest(filter, listenerId)(refused);
  expect(isMet({ raddr: '10.0.0.0/8', protocol: 'tcp', lport: '9000' })).toBe(true);
  expect(isMet({ raddr: '11.0.0.0/8' })).toBe(false);
  expect(isMet({ listener: 'tour' }, refused.listenerId)).toBe(true);
  expect(isMet({ listener: 'other' }, 'another')).toBe(false);
  expect(isMet({ acceptedAfter: refused.time })).toBe(true);
  expect(isMet({ acceptedBefore: refused.time })).toBe(false);
  expect(isMet({ state: 'open' })).toBe(false);
  expect(isMet({ closeReason: 'fault' })).toBe(false);
});
