import { expect, test } from 'vitest';
import { sampleId, sampleListener } from '../../test/support/samples.ts';
import type { Listener } from './listener.ts';
import { projectRef } from './project.ts';
import { noTerms } from './quotas.ts';
import { RestingPorts } from './resting-ports.ts';

const [mine, theirs] = [projectRef(2), projectRef(3)];

/** `listeners` is the quota of each project. */
function makePorts(restingPortsMax = 100, listeners: number | null = null) {
  const time = { ms: 5000 };
  const ports = new RestingPorts({
    limits: { portRestMs: 60_000, restingPortsMax },
    projects: { termsOf: () => ({ ...noTerms, quotas: { ...noTerms.quotas, listeners } }) },
    monotonicMs: () => time.ms,
  });
  let ids = 0;
  const at = (port: number, project = mine, given: Partial<Listener> = {}) => {
    ids += 1;
    return sampleListener({ id: sampleId(ids), port, laddr: null, project, ...given });
  };
  return { ports, time, at };
}

test('a port rests for others, and is free for its own project at once', () => {
  const { ports, time, at } = makePorts();
  const laddr = { ip: '127.0.0.1', port: 7000 };
  ports.add(at(0, mine, { laddr }));
  time.ms += 20_000;
  expect(ports.restMs(at(7000))).toBe(0);
  expect(ports.restMs(at(7000, theirs))).toBe(40_000);
  expect(() => ports.assertRested(at(7000, theirs))).toThrow(
    expect.objectContaining({
      code: 'port_in_use',
      details: expect.objectContaining({ owner: 'resting', retryAfterMs: 40_000 }),
    }),
  );
  time.ms += 40_000;
  expect(ports.restMs(at(7000, theirs))).toBe(0);
});

test('it rests where it was bound: another address, transport or port is free', () => {
  const { ports, at } = makePorts();
  ports.add(at(7000));
  expect(ports.restMs(at(7000, theirs, { host: '127.0.0.2' }))).toBe(0);
  expect(ports.restMs(at(7000, theirs, { protocol: 'udp' }))).toBe(0);
  expect(ports.restMs(at(7001, theirs))).toBe(0);
  expect(ports.restMs(at(7000, theirs, { host: '0.0.0.0' }))).toBe(60_000);
});

test('of too many the one that rested the longest is free', () => {
  const { ports, at } = makePorts(2);
  for (const port of [7000, 7001, 7002]) ports.add(at(port));
  expect([7000, 7001, 7002].map((port) => ports.restMs(at(port, theirs)))).toEqual([
    0, 60_000, 60_000,
  ]);
});

test('a project has as many resting ports as it may have listeners, and its oldest is free', () => {
  const { ports, at } = makePorts(100, 2);
  for (const port of [7000, 7001, 7002]) ports.add(at(port));
  expect([7000, 7001, 7002].map((port) => ports.restMs(at(port, theirs)))).toEqual([
    0, 60_000, 60_000,
  ]);
  const { ports: none, at: one } = makePorts(100, 0);
  for (const port of [7000, 7001]) none.add(one(port));
  expect([7000, 7001].map((port) => none.restMs(one(port, theirs)))).toEqual([0, 60_000]);
});

test('a project lets no port of another rest less, however many it lets go', () => {
  const { ports, at } = makePorts(10);
  ports.add(at(7000, theirs));
  for (let again = 0; again < 100; again += 1) ports.add(at(7001));
  expect(ports.restMs(at(7001, theirs))).toBe(60_000);
  for (let port = 7100; port < 7200; port += 1) ports.add(at(port));
  expect(ports.restMs(at(7000))).toBe(60_000);
  const rests = Array.from({ length: 100 }, (_, index) => 7100 + index).filter(
    (port) => ports.restMs(at(port, theirs)) > 0,
  );
  expect(rests).toEqual([7191, 7192, 7193, 7194, 7195, 7196, 7197, 7198, 7199]);
});

test('what an earlier run let go of rests for the rest of its time, whatever the clock did since', async () => {
  const { ports, at } = makePorts(2);
  const now = 1_000_000_000;
  const ends = [
    { port: 7001, closedAt: now - 50_000_000 },
    { port: 7002, closedAt: now - 20_000_000 },
    { port: 7003, closedAt: now + 5_000_000 },
  ];
  const asked: unknown[] = [];
  const node = {
    readEnded: async (since: number, limit: number) => {
      asked.push([since, limit]);
      return ends.slice(-limit).map(({ port, closedAt }) => at(port, mine, { closedAt }));
    },
  };
  await ports.takeUp(node, now);
  expect(asked).toEqual([[now - 60_000_000, 2]]);
  expect([7001, 7002, 7003].map((port) => ports.restMs(at(port, theirs)))).toEqual([
    0, 40_000, 60_000,
  ]);
  expect(ports.restMs(at(7002))).toBe(0);
});

test('of one port several may rest, and it is free when the last of them has', () => {
  const { ports, time, at } = makePorts(3);
  ports.add(at(7000, mine, { host: '127.0.0.1' }));
  time.ms += 20_000;
  ports.add(at(7000, mine, { host: '127.0.0.2' }));
  const on = (host: string) => ports.restMs(at(7000, theirs, { host }));
  expect([on('127.0.0.1'), on('0.0.0.0')]).toEqual([40_000, 60_000]);
  time.ms += 40_000;
  expect([on('127.0.0.1'), on('0.0.0.0')]).toEqual([0, 20_000]);
  for (const port of [7001, 7002, 7003]) ports.add(at(port));
  expect([on('127.0.0.2'), on('0.0.0.0')]).toEqual([0, 0]);
});
