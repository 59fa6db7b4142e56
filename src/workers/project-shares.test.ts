import { expect, test } from 'vitest';
import { projectRef } from '../core/project.ts';
import { connectionLimits, noQuotas } from '../core/quotas.ts';
import type { Request } from '../echo/messages.ts';
import { ProjectShares } from './project-shares.ts';

const project = projectRef(2);

function makeShares(workers: number) {
  const fatal: unknown[] = [];
  const shares = new ProjectShares({ workers, onFatal: (error) => fatal.push(error) });
  const up = Array.from({ length: workers }, (_, slot) => {
    const told: Request[] = [];
    const request = async (one: Request) => {
      told.push(one);
      return null;
    };
    return { slot, told, request };
  });
  const told = () =>
    up.map(({ told: requests }) => {
      const last = requests.at(-1);
      return last?.kind === 'limit_project' ? last.limits : undefined;
    });
  return { shares, up, told, fatal };
}

test('each worker is told its part, which add up to the quota', () => {
  const { shares, up, told } = makeShares(3);
  const quotas = { ...noQuotas, openConnections: 10, acceptsPerSecond: 5 };
  shares.limit(project, connectionLimits(quotas), up);
  expect(told().map((limits) => limits?.maxConnections)).toEqual([4, 3, 3]);
  expect(told().map((limits) => limits?.acceptRate?.burst)).toEqual([2, 2, 1]);
  shares.limit(project, null, up);
  expect(told()).toEqual([null, null, null]);
});

test('a quota smaller than the number of workers is served by as many of them, by one at least', () => {
  const { shares, up } = makeShares(3);
  const rooms = () => up.map(({ slot }) => shares.hasRoom(project, slot));
  expect(rooms()).toEqual([true, true, true]);
  shares.limit(project, connectionLimits({ ...noQuotas, openConnections: 2 }), up);
  expect(rooms()).toEqual([true, true, false]);
  shares.limit(project, connectionLimits({ ...noQuotas, acceptsPerSecond: 0 }), up);
  expect(rooms()).toEqual([true, false, false]);
});

test('a new worker is told all', () => {
  const { shares, up, told } = makeShares(1);
  shares.limit(project, connectionLimits({ ...noQuotas, openConnections: 2 }), []);
  expect(told()).toEqual([undefined]);
  for (const worker of up) shares.tellAll(worker);
  expect(told()).toMatchObject([{ maxConnections: 2 }]);
});
