import { expect, test } from 'vitest';
import { projectRef } from '../core/project.ts';
import { ProjectRooms } from './project-rooms.ts';

const [a, b] = [projectRef(2), projectRef(3)];
const limits = { maxConnections: 2, maxConnectionsPerSource: null, acceptRate: null };
const rated = { ...limits, acceptRate: { perSecond: 1, burst: 1 } };
const second = 1_000_000;

function makeRooms() {
  const time = { now: 0 };
  return { time, rooms: new ProjectRooms({ monotonic: () => time.now }) };
}

test('the connections of all listeners of a project count together, and those of no other', () => {
  const { rooms } = makeRooms();
  rooms.limit(a, limits);
  const [one, two] = [rooms.of(a), rooms.of(a)];
  one.opened();
  expect(two.isFull).toBe(false);
  two.opened();
  expect([one.isFull, two.isFull, rooms.of(b).isFull]).toEqual([true, true, false]);
  one.closed();
  expect(two.isFull).toBe(false);
});

test('what was open before a limit counts, and stays', () => {
  const { rooms } = makeRooms();
  const room = rooms.of(a);
  for (let n = 0; n < 3; n += 1) room.opened();
  rooms.limit(a, limits);
  expect(room.isFull).toBe(true);
  rooms.limit(a, null);
  expect(room.isFull).toBe(false);
});

test('so many come in a second, and a change of something else is no new burst', () => {
  const { rooms, time } = makeRooms();
  rooms.limit(a, rated);
  const room = rooms.of(a);
  expect([room.takes(0), room.takes(0)]).toEqual([true, false]);
  rooms.limit(a, { ...rated, maxConnections: 9 });
  expect(room.takes(0)).toBe(false);
  time.now = second;
  expect(room.takes(second)).toBe(true);
});

test('a project is known no longer than it has a limit or a connection', () => {
  const { rooms } = makeRooms();
  const room = rooms.of(a);
  rooms.limit(a, limits);
  room.opened();
  rooms.limit(a, null);
  expect(rooms.size).toBe(1);
  room.closed();
  expect(rooms.size).toBe(0);
});
