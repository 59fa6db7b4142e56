import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultOf } from '../../../test/support/fault-bench.ts';
import type { Fault, FaultEffect, FaultMatch } from '../../core/fault.ts';
import { type ConnectionFaults, ListenerFaults } from './listener-faults.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const latency: FaultEffect = { type: 'latency', delayMs: 10, jitterMs: 5, distribution: 'uniform' };
const clock = { now: () => Date.now() * 1000 };

function listenerFaults(
  faults: readonly Fault[],
  { workers = 1, kind = 'stream' as 'stream' | 'datagram' } = {},
) {
  const changes: number[] = [];
  const onChange = () => changes.push(Date.now());
  const listener = new ListenerFaults({ faults, workers, clock, kind, onChange });
  return { listener, changes };
}

const isChosen = ({ active }: ConnectionFaults): boolean => active.length > 0;
const admitMany = (listener: ListenerFaults, count: number, ip = '192.0.2.1'): ConnectionFaults[] =>
  Array.from({ length: count }, () => listener.admit(ip));

/** Which of so many connections, counted from 1, have the fault. */
function chosen(
  match: FaultMatch,
  count: number,
  common: { probability?: number; seed?: number } = {},
): number[] {
  const { listener } = listenerFaults([faultOf(latency, { match, ...common })]);
  return admitMany(listener, count).flatMap((each, place) => (isChosen(each) ? [place + 1] : []));
}

describe('a listener without faults', () => {
  test('gives every connection the same answer', () => {
    const { listener } = listenerFaults([]);
    expect(listener.hasFaults).toBe(false);
    expect(listener.admit('192.0.2.1')).toBe(listener.admit('192.0.2.2'));
    expect(listener.admit('192.0.2.1')).toMatchObject({
      isRefused: false,
      acceptDelayMs: 0,
      active: [],
    });
  });

  test('is one whose faults are not enabled, or over', () => {
    const off = faultOf(latency, { enabled: false });
    const over = faultOf(latency, { expiresAt: clock.now() });
    const { listener } = listenerFaults([off, over]);
    expect(listener.hasFaults).toBe(false);
    expect(isChosen(listener.admit('192.0.2.1'))).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('match', () => {
  test('counts connections from 1', () => {
    expect(chosen({}, 4)).toEqual([1, 2, 3, 4]);
    expect(chosen({ everyNth: 3 }, 10)).toEqual([3, 6, 9]);
    expect(chosen({ firstN: 2 }, 10)).toEqual([1, 2]);
    expect(chosen({ afterN: 7 }, 10)).toEqual([8, 9, 10]);
    expect(chosen({ afterN: 0 }, 2)).toEqual([1, 2]);
  });

  test('wants all that is given', () => {
    expect(chosen({ everyNth: 2, firstN: 8, afterN: 3 }, 12)).toEqual([4, 6, 8]);
    expect(chosen({ firstN: 3, afterN: 3 }, 12)).toEqual([]);
  });

  test('counts only what comes from its network', () => {
    const match = { cidr: '198.51.100.0/24', everyNth: 2 };
    const { listener } = listenerFaults([faultOf(latency, { match })]);
    const from = ['198.51.100.1', '192.0.2.1', '192.0.2.1', '::ffff:198.51.100.9', '198.51.100.1'];
    expect(from.map((ip) => isChosen(listener.admit(ip)))).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test('an address that is not known is in no network', () => {
    const match = { cidr: '0.0.0.0/0' };
    const { listener } = listenerFaults([faultOf(latency, { match })]);
    expect(isChosen(listener.admit(null))).toBe(false);
    const { listener: anywhere } = listenerFaults([faultOf(latency)]);
    expect(isChosen(anywhere.admit(null))).toBe(true);
  });

  test('each fault counts for itself', () => {
    const { listener } = listenerFaults([
      faultOf(latency, { match: { everyNth: 2 } }),
      faultOf(latency, { match: { firstN: 1 } }),
    ]);
    expect(admitMany(listener, 4).map(({ active }) => active.length)).toEqual([1, 1, 0, 1]);
  });
});

describe('probability', () => {
  test('is drawn for each connection, the same for the same seed', () => {
    const run = chosen({}, 10_000, { probability: 0.3, seed: 1 });
    expect(Math.abs(run.length - 3000)).toBeLessThan(150);
    expect(chosen({}, 10_000, { probability: 0.3, seed: 1 })).toEqual(run);
    expect(chosen({}, 10_000, { probability: 0.3, seed: 2 })).not.toEqual(run);
  });

  test('without a seed one is drawn', () => {
    const run = chosen({}, 1000, { probability: 0.5 });
    expect(chosen({}, 1000, { probability: 0.5 })).not.toEqual(run);
  });

  test('0 chooses none, 1 all', () => {
    expect(chosen({}, 100, { probability: 0 })).toEqual([]);
    expect(chosen({}, 100, { probability: 1 })).toHaveLength(100);
  });

  test('of datagrams is left to the pipeline, but for a refusal', () => {
    const common = { probability: 0.5, seed: 1 };
    const faults = [faultOf({ type: 'drop' }, common), faultOf({ type: 'refuse' }, common)];
    const { listener } = listenerFaults(faults, { kind: 'datagram' });
    const all = admitMany(listener, 100);
    expect(all.every(isChosen)).toBe(true);
    const refused = all.filter(({ isRefused }) => isRefused).length;
    expect(Math.abs(refused - 50)).toBeLessThan(20);
  });
});

describe('seeds', () => {
  const numbers = ({ active }: ConnectionFaults): number[] =>
    active.flatMap(({ random }) => [random(), random()]);

  test('the nth connection that matches draws the same numbers, whoever else comes and when', () => {
    const match = { cidr: '192.0.2.0/24' };
    const fault = faultOf(latency, { seed: 9, match });
    const alone = admitMany(listenerFaults([fault]).listener, 5).map(numbers);
    const { listener } = listenerFaults([
      faultOf({ type: 'corrupt', bytes: 1 }, { probability: 0 }),
      fault,
    ]);
    const among = Array.from({ length: 5 }, () => {
      listener.admit('198.51.100.1');
      vi.advanceTimersByTime(17);
      return listener.admit('192.0.2.5');
    });
    // Drawn in another order than they came.
    const last = among.toReversed().map(numbers);
    expect(last.toReversed()).toEqual(alone);
    expect(new Set(alone.map(String)).size).toBe(5);
  });
});

describe('at the accept', () => {
  test('refuse refuses, and delays add up', () => {
    const delay = (delayMs: number) => faultOf({ type: 'accept_delay', delayMs });
    const refuse = faultOf({ type: 'refuse' }, { match: { everyNth: 2 } });
    const { listener } = listenerFaults([delay(100), refuse, delay(20)]);
    const [first, second] = admitMany(listener, 2);
    expect(first).toMatchObject({ isRefused: false, acceptDelayMs: 120, active: [] });
    expect(second).toMatchObject({ isRefused: true, active: [] });
  });
});

describe('a change of the list', () => {
  test('what stays keeps its count and its choices, in whatever order its fields come', () => {
    const fault = faultOf(latency, { match: { everyNth: 2 }, probability: 0.5, seed: 3 });
    const before = listenerFaults([fault]).listener;
    const expected = admitMany(before, 20).map(isChosen);
    const { listener } = listenerFaults([fault]);
    const first = admitMany(listener, 9);
    const sameFault: Fault = JSON.parse(
      JSON.stringify(fault, Object.keys(fault).concat('everyNth').toReversed()),
    );
    listener.update([faultOf({ type: 'corrupt', bytes: 1 }, { probability: 0 }), sameFault]);
    const living = first.map((each) => listener.readmit('192.0.2.1', each));
    expect(living.map(({ active }) => active)).toEqual(first.map(({ active }) => active));
    expect(living.map(({ active }) => active[0])).toEqual(first.map(({ active }) => active[0]));
    for (const [place, each] of living.entries())
      expect(each.active[0]).toBe(first[place]?.active[0]);
    expect([...first, ...admitMany(listener, 11)].map(isChosen)).toEqual(expected);
  });

  test('two that are alike are two', () => {
    const { listener } = listenerFaults([faultOf(latency), faultOf(latency)]);
    const first = listener.admit('192.0.2.1');
    listener.update([faultOf(latency)]);
    const { active } = listener.readmit('192.0.2.1', first);
    expect(active).toHaveLength(1);
    expect(active[0]).toBe(first.active[0]);
  });

  test('living connections are considered for what is new, and counted in their order', () => {
    const { listener } = listenerFaults([]);
    const living = admitMany(listener, 3);
    listener.update([faultOf(latency, { match: { firstN: 4, everyNth: 2 } })]);
    const again = living.map((each) => listener.readmit('192.0.2.1', each));
    expect(again.map(isChosen)).toEqual([false, true, false]);
    expect(admitMany(listener, 3).map(isChosen)).toEqual([true, false, false]);
    const twice = again.map((each) => listener.readmit('192.0.2.1', each));
    expect(twice.map(isChosen)).toEqual([false, true, false]);
  });

  test('what acts at the accept only leaves them alone, uncounted', () => {
    const { listener } = listenerFaults([faultOf(latency)]);
    const living = admitMany(listener, 3);
    const match = { firstN: 1 };
    listener.update([
      faultOf({ type: 'refuse' }, { match }),
      faultOf({ type: 'banner', text: 'hi', delayMs: 0 }, { match }),
    ]);
    const again = living.map((each) => listener.readmit('192.0.2.1', each));
    expect(again.map(({ isRefused, active }) => [isRefused, active.length])).toEqual([
      [false, 0],
      [false, 0],
      [false, 0],
    ]);
    expect(
      admitMany(listener, 2).map(({ isRefused, active }) => [isRefused, active.length]),
    ).toEqual([
      [true, 1],
      [false, 0],
    ]);
  });

  test('only a real change is told', () => {
    const { listener, changes } = listenerFaults([faultOf(latency)]);
    listener.update([faultOf(latency)]);
    listener.update([faultOf(latency), faultOf({ type: 'drop' }, { enabled: false })]);
    expect(changes).toHaveLength(0);
    listener.update([]);
    expect(changes).toHaveLength(1);
    expect(listener.hasFaults).toBe(false);
  });
});

describe('expiry', () => {
  test('each fault goes at its time, and living connections are told', () => {
    const at = (ms: number) => clock.now() + ms * 1000;
    const from = Date.now();
    const { listener, changes } = listenerFaults([
      faultOf(latency, { expiresAt: at(1000) }),
      faultOf(latency, { expiresAt: at(500) }),
      faultOf({ type: 'refuse' }, { expiresAt: at(500) }),
    ]);
    const living = listener.admit('192.0.2.1');
    vi.advanceTimersByTime(499);
    expect(listener.admit('192.0.2.1')).toMatchObject({ isRefused: true });
    vi.advanceTimersByTime(1);
    expect(listener.admit('192.0.2.1')).toMatchObject({ isRefused: false });
    expect(listener.readmit('192.0.2.1', living).active).toEqual([living.active[0]]);
    vi.advanceTimersByTime(500);
    expect(listener.readmit('192.0.2.1', living).active).toEqual([]);
    expect(changes).toEqual([from + 500, from + 1000]);
    expect(listener.hasFaults).toBe(false);
  });

  test('one that is far away waits', () => {
    const days = 40 * 86_400_000;
    const { listener, changes } = listenerFaults([
      faultOf(latency, { expiresAt: clock.now() + days * 1000 }),
    ]);
    vi.advanceTimersByTime(days - 1);
    expect(changes).toEqual([]);
    expect(listener.hasFaults).toBe(true);
    vi.advanceTimersByTime(1);
    expect(changes).toHaveLength(1);
  });

  test('nothing is told after the close', () => {
    const { listener, changes } = listenerFaults([
      faultOf(latency, { expiresAt: clock.now() + 1000 }),
    ]);
    listener.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2000);
    expect(changes).toEqual([]);
  });
});

describe('a rate of the listener', () => {
  const shared: FaultEffect = { type: 'bandwidth', bytesPerSecond: 10_000, scope: 'listener' };

  test('is one for all connections, and each worker has its part', () => {
    const { listener } = listenerFaults([faultOf(shared)], { workers: 4 });
    const [first, second] = admitMany(listener, 2).map(({ active }) => active[0]?.sharedRate);
    expect(first).toBeDefined();
    expect(first).toBe(second);
    expect(first?.reserve(2500, 0, 0)).toBe(1000);
  });

  test('of a connection is its own', () => {
    const { listener } = listenerFaults([faultOf({ ...shared, scope: 'connection' })]);
    expect(listener.admit('192.0.2.1').active[0]?.sharedRate).toBeNull();
  });
});
