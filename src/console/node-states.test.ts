import { expect, test } from 'vitest';
import {
  byNeed,
  isOwnHostOnly,
  labelsOf,
  labelsText,
  lostAt,
  type NodeView,
  searchText,
  stateCounts,
} from './node-states.ts';

function nodeView(name: string, given: Partial<NodeView> = {}): NodeView {
  return {
    ...{ id: `id-of-${name}`, name, project: 'default', labels: {}, state: 'ready' },
    ...{ isBuiltIn: false, shared: false, cordoned: false, version: '1.0.0', bootId: null },
    ...{ hostname: 'web-7', addresses: ['192.0.2.7'], listenHost: null, portRange: null },
    ...{ lastSeenAt: '2026-11-26T12:00:00.000000Z', lostAfterMs: 300_000, spoolRecords: 0 },
    ...{ clockOffsetMs: null, listeners: 0, openConnections: 0 },
    ...{ createdAt: '2026-11-26T11:00:00.000000Z', ...given },
  };
}

test('what needs somebody comes first, and the others as they joined', () => {
  const nodes = [
    nodeView('a'),
    nodeView('b', { state: 'disconnected' }),
    nodeView('c'),
    nodeView('d', { state: 'lost' }),
    nodeView('e', { state: 'of-a-later-version' as NodeView['state'] }),
  ];
  expect(byNeed(nodes).map(({ name }) => name)).toEqual(['d', 'b', 'a', 'c', 'e']);
  expect(stateCounts(nodes)).toEqual([
    ['lost', 1],
    ['disconnected', 1],
    ['ready', 2],
    ['of-a-later-version', 1],
  ]);
});

test('a node that is not heard is lost at a time that is known before', () => {
  expect(lostAt(nodeView('a', { state: 'disconnected' }))).toBe(Date.UTC(2026, 10, 26, 12, 5));
  expect(lostAt(nodeView('a'))).toBeNull();
  expect(lostAt(nodeView('a', { state: 'lost' }))).toBeNull();
});

test('labels are written as they are read, and text of a stranger turns no line around', () => {
  const labels = { site: 'dmz', env: 'a=b' };
  expect(labelsOf(' site=dmz,  env=a=b,')).toEqual(labels);
  expect(labelsOf('site=dmz env=a=b')).toEqual(labels);
  expect(labelsOf(labelsText(labels))).toEqual(labels);
  expect(labelsOf('')).toEqual({});
  expect(labelsOf('site')).toBeNull();
  expect(labelsOf('=dmz')).toBeNull();
  expect(labelsText({ site: 'd\u202emz' })).toBe('site=d\\u{202e}mz');
});

test('a node is found by what it is called, where it is, and how it is', () => {
  const text = searchText(nodeView('DMZ-1', { labels: { site: 'dmz' }, cordoned: true }));
  for (const part of ['dmz-1', 'id-of-dmz-1', 'web-7', '192.0.2.7', 'site=dmz', 'cordoned'])
    expect(text).toContain(part);
  expect(searchText(nodeView('a'))).not.toContain('cordoned');
});

test.each([
  ['http://127.0.0.1:7443', true],
  ['http://[::1]:7443', true],
  ['http://localhost:7443', true],
  ['https://10.0.0.4:7443', false],
  ['https://kodama.example.com', false],
])('%s is of this host alone: %s', (url, isSo) => {
  expect(isOwnHostOnly(url)).toBe(isSo);
});
