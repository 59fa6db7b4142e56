import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import type { HeldNode } from '../core/held-node.ts';
import { HeldNodes } from '../core/held-nodes.ts';
import type { ListenerPlacement, NewListener } from '../core/listener.ts';
import { defaultProject } from '../core/project.ts';
import { type PlaceableNode, Placements } from './placements.ts';

type LoadedNode = PlaceableNode & { readonly listeners: number };

function node(name: string, given: Partial<LoadedNode> = {}): LoadedNode {
  const state = { isOwn: true, isReady: true, cordoned: false, listeners: 0 };
  return { id: `id-${name}`, name, labels: {}, ...state, ...given };
}

/** Resolves with the node that gets them; with the code of what is thrown instead, or its message for none at all. */
async function placed(
  nodes: readonly LoadedNode[],
  placement: Omit<ListenerPlacement, 'onNodeLost'> | null,
  {
    draws = [0, 0.99],
    failing = [] as readonly string[],
    count = 1,
    own = null as PlaceableNode | null,
  } = {},
): Promise<string> {
  let drawn = 0;
  const held = new HeldNodes();
  if (own !== null) held.addOwn({ nodeId: own.id } as HeldNode);
  const placements = new Placements({
    nodes: {
      placeable: async () => nodes,
      loads: async (_, ids) => {
        const asked = nodes.filter(({ id }) => ids.includes(id));
        return new Map(asked.map(({ id, listeners }) => [id, listeners]));
      },
    },
    held,
    ownCordon: { isCordoned: async () => own?.cordoned === true },
    limits: { nodeListenersMax: 10 },
    random: () => draws[drawn++ % draws.length] ?? 0,
  });
  const input = { placement } as NewListener;
  const inputs = Array.from({ length: count }, () => input);
  try {
    return await placements.place(defaultProject, inputs, async ({ nodeId }) => {
      if (failing.includes(nodeId)) throw new AppError('port_in_use', 'taken');
      return nodeId;
    });
  } catch (error) {
    const { code, message } = error as AppError;
    return code === 'failed_precondition' ? message : code;
  }
}

test('one that is named is taken, by its name or its id', async () => {
  const nodes = [node('a'), node('b', { listeners: 9 })];
  expect(await placed(nodes, { node: 'b' })).toBe('id-b');
  expect(await placed(nodes, { node: 'id-a' })).toBe('id-a');
  expect(await placed(nodes, { node: 'c' })).toBe('placement: there is no node c');
});

test('of two of one name its own is taken, however loaded or away it is, and the other by its id', async () => {
  const shared = node('a', { id: 'id-shared', isOwn: false });
  const own = node('a', { id: 'id-own', listeners: 9 });
  for (const nodes of [
    [shared, own],
    [own, shared],
  ]) {
    expect(await placed(nodes, { node: 'a' })).toBe('id-own');
    expect(await placed(nodes, { node: 'id-shared' })).toBe('id-shared');
  }
  expect(await placed([shared, { ...own, isReady: false }], { node: 'a' })).toBe('unavailable');
  const namesake = node('id-own', { id: 'id-namesake' });
  expect(await placed([namesake, own], { node: 'id-own' })).toBe('id-own');
});

test('one that carries the labels is taken, the less loaded of two', async () => {
  const labels = { zone: 'dmz', tier: '1' };
  const nodes = [node('a', { labels, listeners: 5 }), node('b'), node('c', { labels })];
  expect(await placed(nodes, { selector: { zone: 'dmz' } })).toBe('id-c');
  expect(await placed(nodes, { selector: { zone: 'lan' } })).toBe(
    'placement: no node has these labels',
  );
});

test('who is cordoned, not connected or full gets nothing', async () => {
  expect(await placed([node('a', { cordoned: true })], null)).toBe(
    'placement: those that fit are cordoned',
  );
  expect(await placed([node('a', { isReady: false })], null)).toBe('unavailable');
  expect(await placed([node('a', { listeners: 10 })], null)).toBe('resource_exhausted');
  expect(await placed([node('a', { listeners: 9 })], null, { count: 2 })).toBe(
    'resource_exhausted',
  );
  expect(await placed([], null)).toBe('placement: there is no node');
});

test('the built-in one gets all that names none, however loaded it is, unless it is cordoned', async () => {
  const own = node('own', { isOwn: false, listeners: 9 });
  const other = node('other');
  expect(await placed([own, other], null, { own })).toBe('id-own');
  const cordoned = { ...own, cordoned: true };
  expect(await placed([cordoned, other], null, { own: cordoned })).toBe('id-other');
  expect(await placed([cordoned], null, { own: cordoned, count: 2 })).toBe(
    'placement: those that fit are cordoned',
  );
});

test('its own nodes are taken before shared ones, where none is named', async () => {
  const nodes = [node('shared', { isOwn: false }), node('own', { listeners: 9 })];
  expect(await placed(nodes, null)).toBe('id-own');
  expect(await placed(nodes, { node: 'shared' })).toBe('id-shared');
});

test('where a port is taken others are tried, unless a node is named', async () => {
  const nodes = [node('a'), node('b')];
  expect(await placed(nodes, null, { failing: ['id-a'] })).toBe('id-b');
  expect(await placed(nodes, { node: 'a' }, { failing: ['id-a'] })).toBe('port_in_use');
  expect(await placed(nodes, null, { failing: ['id-a', 'id-b'] })).toBe('port_in_use');
});
