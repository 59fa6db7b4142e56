import { expect, test } from 'vitest';
import type { Step } from './apply-plan.ts';
import type { Listener } from './listener-spec.ts';
import { type KnownNode, onItsNode, unplacedOf } from './placed-again.ts';

const node = (name: string, given: Partial<KnownNode> = {}): KnownNode => {
  const state = { state: 'ready', isBuiltIn: false, cordoned: false, labels: {} };
  return { id: `id-${name}`, name, ...state, ...given };
};
/** To be made again with what the file says of its placement; it is on node a, where `was` placed it. */
const again = (asked?: object | null, was: object | null = null, state = 'listening'): Step => {
  const is = {
    name: 'web',
    nodeId: 'id-a',
    placement: was,
    state,
  } as Partial<Listener> as Listener;
  const wanted = { name: 'web', ...(asked !== undefined && { placement: asked }) };
  const made = { ...wanted, ...(asked === undefined && was !== null && { placement: was }) };
  return { action: 'recreate', wanted, made, is, changes: ['port'] };
};
const reasonOf = (step: Step, ...nodes: readonly KnownNode[]) =>
  unplacedOf([step], nodes)[0]?.reason ?? null;
const b = node('b', { labels: { site: 'dmz' } });

test('what no node would take is told before it is closed', () => {
  const cordoned = node('a', { cordoned: true });
  expect(reasonOf(again(), cordoned)).toBe('node a is cordoned');
  // It would be made on the other, whose address nobody knows.
  expect(reasonOf(again(), cordoned, b)).toBe('node a is cordoned');
  expect(reasonOf(again(undefined, { node: 'a' }), cordoned, b)).toBe('node a is cordoned');
  expect(reasonOf(again({ selector: { site: 'dmz' } }), cordoned, b)).toBe(null);
  expect(reasonOf(again({ node: 'b' }), cordoned, b)).toBe(null);
  expect(reasonOf(again({ node: 'id-b' }), cordoned, b)).toBe(null);
  expect(reasonOf(again({ node: 'c' }), node('a'), b)).toBe('no node c');
  expect(reasonOf(again({ selector: { site: 'lan' } }), node('a'), b)).toBe(
    'no node has the labels of its placement',
  );
  const away = node('b', { state: 'disconnected' });
  expect(reasonOf(again({ node: 'b' }), node('a'), away)).toBe('node b is not connected');
  expect(reasonOf(again(null), cordoned, node('c', { cordoned: true }))).toBe(
    'the nodes that fit are cordoned',
  );
  expect(reasonOf(again(null, null, 'draining'), cordoned)).toBe('node a is cordoned');
  expect(unplacedOf([{ action: 'create', wanted: { name: 'web' } }], [cordoned])).toEqual([]);
  // That its own node is away the close tells, which goes on once it is back.
  expect(reasonOf(again(), node('a', { state: 'disconnected' }))).toBe(null);
});

test('what nobody placed is made again on its node, and as it was there too', () => {
  const here = { node: 'id-a' };
  const stays = { ownNode: 'a', made: { placement: here }, is: { placement: here } };
  expect(onItsNode(again(), [node('a'), b])).toMatchObject(stays);
  const away = node('a', { state: 'disconnected' });
  expect(onItsNode(again(), [away, b])).toMatchObject(stays);
  expect(onItsNode(again({ node: 'b' }), [node('a'), b])).toMatchObject({
    ...{ made: { placement: { node: 'b' } }, is: { placement: here } },
  });
  const unchanged: [Step, readonly KnownNode[]][] = [
    [again(), [node('a'), node('b', { cordoned: true }), node('c', { state: 'pending' })]],
    [again(undefined, { selector: {} }), [node('a'), b]],
    [again(undefined, null, 'draining'), [node('a'), b]],
    // Its process is gone for good, or its node is lost: what it had is for the others.
    [again(), [node('a', { state: 'disconnected', isBuiltIn: true }), b]],
    [again(), [node('a', { state: 'lost' }), b]],
    [again(), [b]],
  ];
  for (const [step, nodes] of unchanged) expect(onItsNode(step, nodes)).toBe(step);
});
