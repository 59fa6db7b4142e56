/** Strangers who are refused by many listeners of a project write no more into its log than by one. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { echoContext, sampleBinding } from '../../test/support/echo-context.ts';
import { sampleId, sampleLimits } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { projectRef } from '../core/project.ts';
import { RecordQueue } from './record-queue.ts';
import { fromRows } from './record-rows.ts';
import { RefusalRates } from './refusal-rates.ts';
import { SocketBudget } from './socket-budget.ts';
import { TcpListener } from './tcp/tcp-listener.ts';

const perSecondMax = 100;
const [a, b] = [projectRef(2), projectRef(3)];

test('fifty listeners that refuse two thousand tell of as many as one would, and of all in sums', async () => {
  await using resources = new AsyncDisposableStack();
  const told: { listenerId: string; count: number }[] = [];
  const records: RecordQueue = new RecordQueue({
    send: (report) => {
      if (report.kind !== 'records') return;
      for (const one of fromRows(report.rows)) {
        if (one.kind !== 'refused') throw new TypeError('somebody was let in');
        told.push({ listenerId: one.listenerId, count: one.refusal.count });
      }
      setImmediate(() => records.committed(report.batch));
    },
    batchMax: 1000,
    unackedMax: 100_000,
    onFull: () => undefined,
  });
  const context = echoContext({ records, sockets: new SocketBudget(5000, () => undefined) });
  const limits = { ...sampleLimits, denyCidrs: ['0.0.0.0/0'] };
  const ports: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const binding = sampleBinding({ protocol: 'tcp', limits, listenerId: sampleId(n) });
    const listener = new TcpListener(binding, context);
    ports.push((await listener.bind('alone')).port);
    listener.serve();
    resources.defer(() => listener.close(0, 'listener_deleted'));
  }
  const startedAt = performance.now();
  for (let round = 0; round < 40; round += 1) await Promise.all(ports.map(wantReset));
  const seconds = (performance.now() - startedAt) / 1000;
  const alone = () => told.filter(({ count }) => count === 1).length;
  const aloneMax = perSecondMax * (1 + seconds);
  expect(alone()).toBeLessThanOrEqual(aloneMax);
  expect(alone()).toBeGreaterThanOrEqual(perSecondMax);
  const sum = () => told.reduce((all, { count }) => all + count, 0);
  await waitFor('all of them', () => sum() === 2000);
  // Each listener tells a sum in a second, of one rule.
  expect(told.length).toBeLessThanOrEqual(aloneMax + 50 * Math.ceil(seconds + 1));
  expect(new Set(told.map(({ listenerId }) => listenerId)).size).toBe(50);
});

async function wantReset(port: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  connect(port, '127.0.0.1')
    .on('error', () => undefined)
    .on('close', resolve);
  await promise;
}

function makeRates() {
  const time = { now: 0 };
  return { time, rates: new RefusalRates(perSecondMax, { monotonic: () => time.now }) };
}

test('the listeners of a project share a rate, and those of no other', () => {
  const { rates, time } = makeRates();
  const [one, two, other] = [rates.join(a), rates.join(a), rates.join(b)];
  const taken = Array.from({ length: 4 * perSecondMax }, (_, n) => (n % 2 ? one : two).takes());
  expect(taken.filter(Boolean)).toHaveLength(perSecondMax);
  expect(other.takes()).toBe(true);
  time.now += 1_000_000;
  expect(two.takes()).toBe(true);
});

test('more sums than may be told in a second are told less often', () => {
  const { rates } = makeRates();
  const rate = rates.join(a);
  expect(rate.sumMs).toBe(1000);
  rate.sums = perSecondMax;
  expect(rate.sumMs).toBe(1000);
  rate.sums = 3 * perSecondMax;
  expect(rate.sumMs).toBe(3000);
});

test('a project is known as long as a listener of it has refused somebody', () => {
  const { rates } = makeRates();
  for (const project of [a, a, b]) rates.join(project);
  rates.leave(a);
  expect(rates.size).toBe(2);
  rates.leave(a);
  rates.leave(b);
  rates.leave(b);
  expect(rates.size).toBe(0);
});
