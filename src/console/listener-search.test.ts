import { expect, test } from 'vitest';
import { listenerView } from '../../test/support/console-views.ts';
import { byName, listenersWith } from './listener-search.ts';

const edge = listenerView({ id: 'a1', name: 'edge-2', labels: { team: 'net' } });
const other = listenerView({
  ...{ id: 'b2', name: 'edge-10', protocol: 'udp', laddr: { ip: '10.0.0.7', port: 53 } },
  ...{ state: 'failed', nodeName: 'dmz' },
});
const unnamed = listenerView({ id: 'c3', name: null });
const all = [other, unnamed, edge];

test.each([
  ['', all],
  ['EDGE', [other, edge]],
  ['team=net', [edge]],
  ['10.0.0.7:53', [other]],
  ['dmz', [other]],
  ['failed edge', [other]],
  [' tcp  edge ', [edge]],
  ['c3', [unnamed]],
  ['edge nobody', []],
])('by %j are found those of which all of it is told', (text, found) => {
  expect(listenersWith(all, text)).toEqual(found);
});

test('names are in order as people count, those without one come last', () => {
  expect(all.toSorted(byName('en'))).toEqual([edge, other, unnamed]);
});
