import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sampleId } from '../../test/support/samples.ts';
import { defaultProject } from '../core/project.ts';
import type { WorkerRecord } from '../core/record.ts';
import { RefusalRates } from './refusal-rates.ts';
import { Refusals } from './refusals.ts';
import { workerClock } from './worker-clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const laddr = { ip: '127.0.0.1', port: 4000 };
const from = (port: number) => ({ laddr, raddr: { ip: '192.0.2.1', port } });

function makeRefusals(perSecondMax: number, countMax?: number) {
  const told: { rule: string; count: number; port: number | null }[] = [];
  const push = (record: WorkerRecord) => {
    if (record.kind !== 'refused') throw new TypeError('a refusal');
    const { rule, count, raddr } = record.refusal;
    told.push({ rule, count, port: raddr?.port ?? null });
  };
  const clock = workerClock();
  const records = { isFull: false, push };
  const refusals = new Refusals({
    listenerId: sampleId(1),
    protocol: 'tcp',
    project: defaultProject,
    refusalRates: new RefusalRates(perSecondMax, clock),
    clock,
    records,
    ...(countMax === undefined ? {} : { countMax }),
  });
  return { refusals, told, records };
}

test('the first of a second are told one by one, the rest by rule, with the last that came', () => {
  const { refusals, told } = makeRefusals(2);
  for (let port = 1; port <= 5; port++) refusals.add('max_connections', from(port));
  refusals.add('accept_rate', from(6));
  expect(told).toEqual([
    { rule: 'max_connections', count: 1, port: 1 },
    { rule: 'max_connections', count: 1, port: 2 },
  ]);
  vi.advanceTimersByTime(1000);
  expect(told.slice(2)).toEqual([
    { rule: 'max_connections', count: 3, port: 5 },
    { rule: 'accept_rate', count: 1, port: 6 },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(4);
});

test('while the records are full they are counted, and told when there is room', () => {
  const { refusals, told, records } = makeRefusals(10);
  records.isFull = true;
  for (let port = 1; port <= 5; port++) refusals.add('max_connections', from(port));
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([]);
  records.isFull = false;
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([{ rule: 'max_connections', count: 5, port: 5 }]);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(1);
});

test('none is lost or told twice, however they come', () => {
  const { refusals, told } = makeRefusals(3);
  let added = 0;
  for (let step = 0; step < 200; step++) {
    for (let n = 0; n < step % 7; n++) {
      refusals.add(step % 2 === 0 ? 'max_connections' : 'deny_cidrs', from(step));
      added += 1;
    }
    vi.advanceTimersByTime(step * 3);
  }
  refusals.flush();
  expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(added);
});

test('the last words leave no timer, and are not said again', () => {
  const { refusals, told } = makeRefusals(1);
  refusals.add('max_connections', from(1));
  refusals.add('max_connections', from(2));
  refusals.flush();
  refusals.flush();
  expect(told.map(({ count }) => count)).toEqual([1, 1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('more than one record may stand for is told in several', () => {
  const { refusals, told } = makeRefusals(0, 3);
  for (let port = 1; port <= 7; port++) refusals.add('max_connections', from(port));
  refusals.flush();
  expect(told.map(({ count }) => count)).toEqual([3, 3, 1]);
});
