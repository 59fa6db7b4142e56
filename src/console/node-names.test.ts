import { expect, test } from 'vitest';
import { listenerView } from '../../test/support/console-views.ts';
import { nodeNames } from './node-names.ts';

test('a node is called as its listeners say, else by its id, of which a UUID tells its end', () => {
  const named = (nodeName: string) => listenerView({ nodeId: 'a', nodeName });
  const nameOf = nodeNames([named('dmz'), named('dmz-1')]);
  expect(nameOf('a')).toBe('dmz-1');
  expect(nameOf('b')).toBe('b');
  expect(nameOf('node-231f67aa')).toBe('node-231f67aa');
  expect(nameOf('01987c5e-0000-7000-9000-00000000abcd')).toBe('0000abcd');
});
