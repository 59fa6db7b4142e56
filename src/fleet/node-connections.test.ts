import { expect, test } from 'vitest';
import { projectRef } from '../core/project.ts';
import { NodeConnections } from './node-connections.ts';

const limits = { nodeConnectionsMax: 10, fleetConnectionsMax: 20 };
const holder = (name: string, project: number) => ({ name, project: projectRef(project) });

test('a node goes when more come than it may have, and not for what it had before', () => {
  const connections = new NodeConnections<ReturnType<typeof holder>>(limits);
  const one = holder('one', 1);
  expect(connections.set(one, 12)).toBeNull();
  expect(connections.set(one, 11)).toBeNull();
  expect(connections.set(one, 12)).toEqual({
    holder: one,
    reason: 'it has more than 10 connections open',
  });
  connections.delete(one);
  connections.set(one, 0);
  expect(connections.set(one, 10)).toBeNull();
});

test('where all have too many, the largest node of the project that has the most goes', () => {
  const connections = new NodeConnections<ReturnType<typeof holder>>(limits);
  const [alone, small, large] = [holder('alone', 1), holder('small', 2), holder('large', 2)];
  connections.set(alone, 8);
  connections.set(small, 5);
  expect(connections.set(large, 7)).toBeNull();
  expect(connections.set(alone, 9)).toMatchObject({ holder: large });
  connections.delete(large);
  expect(connections.set(alone, 10)).toBeNull();
  // What a session that begins brings with it counts.
  expect(connections.set(holder('next', 3), 9)).toMatchObject({ holder: alone });
});
