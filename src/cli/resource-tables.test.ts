import { expect, test } from 'vitest';
import { listenerColumns } from './resource-tables.ts';
import type { Listener } from './rest-client.ts';

test('a listener is on a node that is called by its name', () => {
  const column = listenerColumns('wide').find(({ title }) => title === 'NODE');
  const of: Partial<Listener> = { nodeId: 'the-id', nodeName: 'dmz' };
  expect(column?.cell(of as Listener)).toBe('dmz');
});
