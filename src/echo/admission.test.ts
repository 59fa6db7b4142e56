import { describe, expect, test } from 'vitest';
import { sampleLimits } from '../../test/support/samples.ts';
import type { ListenerLimits } from '../core/listener.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { Admission } from './admission.ts';
import { ProjectRooms } from './project-rooms.ts';

const second = 1_000_000;
const one = '192.0.2.1';
const other = '192.0.2.2';

const rooms = new ProjectRooms({ monotonic: () => 0 });

function limitsOf(given: Partial<ListenerLimits>): ListenerLimits {
  return { ...sampleLimits, ...given };
}

function admission(given: Partial<ListenerLimits>): Admission {
  return new Admission(limitsOf(given), 0, rooms.of(defaultProject));
}

/** Asks, and is let in where nothing stands against it. */
function enter(gate: Admission, ip: string, now = 0) {
  const rule = gate.refusal(ip, now);
  if (rule === null) gate.opened(ip);
  return rule;
}

test('the project of a listener has limits beside its own, which it counts with its other listeners', () => {
  const ofProject = new ProjectRooms({ monotonic: () => 0 });
  const project = projectRef(2);
  const acceptRate = { perSecond: 1, burst: 2 };
  const gates = [1, 2].map(() => new Admission(sampleLimits, 0, ofProject.of(project)));
  const enterAll = (now: number) => gates.map((gate) => enter(gate, one, now));
  ofProject.limit(project, { maxConnections: 3, maxConnectionsPerSource: null, acceptRate });
  expect([...enterAll(0), ...enterAll(0)]).toEqual([null, null, 'project_quota', 'project_quota']);
  expect(enterAll(9 * second)).toEqual([null, 'project_quota']);
  gates[0]?.closed(one);
  expect(enterAll(9 * second)).toEqual([null, 'project_quota']);
});

describe('counts', () => {
  test('maxConnections holds for all together, until one leaves', () => {
    const gate = admission({ maxConnections: 2 });
    expect([enter(gate, one), enter(gate, other), enter(gate, one)]).toEqual([
      null,
      null,
      'max_connections',
    ]);
    gate.closed(other);
    expect([enter(gate, one), gate.open]).toEqual([null, 2]);
  });

  test('none at all where it may have none', () => {
    expect(enter(admission({ maxConnections: 0 }), one)).toBe('max_connections');
  });

  test('a source has its own count, which others do not use up', () => {
    const gate = admission({ maxConnectionsPerSource: 1 });
    expect([enter(gate, one), enter(gate, one), enter(gate, other)]).toEqual([
      null,
      'max_connections_per_source',
      null,
    ]);
    gate.closed(one);
    expect(enter(gate, one)).toBeNull();
  });

  test('a bound that is lowered turns new ones away, and is reached when enough have left', () => {
    const gate = admission({ maxConnections: 3 });
    for (let n = 0; n < 3; n++) enter(gate, one);
    gate.update(limitsOf({ maxConnections: 1 }), 0);
    for (let left = 3; left >= 1; left--) {
      expect([gate.open, enter(gate, one)]).toEqual([left, 'max_connections']);
      gate.closed(one);
    }
    expect(enter(gate, one)).toBeNull();
  });

  test('what was counted before a bound was set counts', () => {
    const gate = admission({});
    enter(gate, one);
    gate.update(limitsOf({ maxConnectionsPerSource: 1 }), 0);
    expect(enter(gate, one)).toBe('max_connections_per_source');
  });
});

describe('rate', () => {
  test('one that is turned away for another reason takes nothing of the rate', () => {
    const acceptRate = { perSecond: 1, burst: 1 };
    const gate = admission({ acceptRate, denyCidrs: [other], maxConnectionsPerSource: 1 });
    for (let n = 0; n < 5; n++) expect(enter(gate, other)).toBe('deny_cidrs');
    expect(enter(gate, one)).toBeNull();
    expect(enter(gate, one)).toBe('max_connections_per_source');
    expect(enter(gate, '192.0.2.3')).toBe('accept_rate');
    expect(enter(gate, '192.0.2.3', second)).toBeNull();
  });

  test('a change of something else is no new burst; a change of the rate is', () => {
    const acceptRate = { perSecond: 1, burst: 2 };
    const gate = admission({ acceptRate });
    enter(gate, one);
    enter(gate, one);
    gate.update(limitsOf({ acceptRate: { ...acceptRate }, maxConnections: 50 }), 0);
    expect(enter(gate, one)).toBe('accept_rate');
    gate.update(limitsOf({ acceptRate: { perSecond: 1, burst: 1 } }), 0);
    expect([enter(gate, one), enter(gate, one)]).toEqual([null, 'accept_rate']);
    gate.update(limitsOf({}), 0);
    expect(enter(gate, one)).toBeNull();
  });
});

test('an address that is not known is in no network and of no source, and counts for the rest', () => {
  const refusal = (given: Partial<ListenerLimits>) => admission(given).refusal(null, 0);
  expect(refusal({ allowCidrs: ['0.0.0.0/0', '::/0'] })).toBe('allow_cidrs');
  expect(refusal({ denyCidrs: ['0.0.0.0/0', '::/0'] })).toBeNull();
  expect(refusal({ maxConnectionsPerSource: 0 })).toBeNull();
  expect(refusal({ maxConnections: 0 })).toBe('max_connections');
  const gate = admission({ acceptRate: { perSecond: 1, burst: 1 } });
  expect([gate.refusal(null, 0), gate.refusal(null, 0)]).toEqual([null, 'accept_rate']);
});

test('networks come before counts', () => {
  const gate = admission({ maxConnections: 0, allowCidrs: ['192.0.2.0/24'], denyCidrs: [other] });
  expect([enter(gate, '198.51.100.1'), enter(gate, other), enter(gate, one)]).toEqual([
    'allow_cidrs',
    'deny_cidrs',
    'max_connections',
  ]);
});
