import { expect, test } from 'vitest';
import { nameOfHost, nodeName } from './node.ts';

test.each([
  ['dmz-1.example.com', 'dmz-1.example.com'],
  ['a'.repeat(64), 'a'.repeat(63)],
  [`-${'a'.repeat(63)}`, 'a'.repeat(63)],
  ['_dmz', 'dmz'],
  ['.-_dmz_1', 'dmz_1'],
  ['büro 1', 'b-ro-1'],
  ['01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90', 'node-01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90'],
  ['-', 'node'],
  ['', 'node'],
])('a host that is called %j may be a node of the name %s', (hostname, name) => {
  expect(nameOfHost(hostname)).toBe(name);
  expect(name).toMatch(nodeName.pattern);
});
