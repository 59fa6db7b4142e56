import { expect, test } from 'vitest';
import type { Visit } from './clients.ts';
import { aboutLoss } from './lost-echoes.ts';

const worker = 100;
const killed = { at: 5000, what: 'worker', workerPids: [worker] } as const;

/** A client that came at the time and had its echo a moment later. */
function visit(begunAt: number): Visit {
  return {
    ip: '127.1.0.1',
    port: 1,
    listenerId: 'x',
    behaviour: 'talk',
    begunAt,
    begunTime: 0,
    firstEchoAt: begunAt + 10,
    echoed: 1,
    sentBytes: 1,
    receivedBytes: 1,
    isCorrupt: false,
    isConnected: true,
    hasLeft: true,
    sawEnd: true,
    error: null,
    endedAt: begunAt + 20,
  };
}

const recordedAt = (begunAt: number, workerPid = worker) => ({ visit: visit(begunAt), workerPid });

test('the end of what a killed worker had accepted may be missing', () => {
  const recorded = [recordedAt(4000), recordedAt(4500)];
  expect(aboutLoss(visit(4600), recorded, [killed], 'batched')).toBeNull();
});

test('what came before a connection that is on record may not', () => {
  const recorded = [recordedAt(4000), recordedAt(4800)];
  expect(aboutLoss(visit(4600), recorded, [killed], 'batched')).toContain('later ones are');
});

test('another worker’s connections say nothing, as long as there is one that it could have been', () => {
  const both = { ...killed, what: 'control_plane', workerPids: [worker, 200] } as const;
  expect(aboutLoss(visit(4600), [recordedAt(4800, 200)], [both], 'batched')).toBeNull();
  const recorded = [recordedAt(4800, 200), recordedAt(4900, worker)];
  expect(aboutLoss(visit(4600), recorded, [both], 'batched')).toContain('later ones are');
});

test('without a kill nothing may be missing, and nothing that was durable ever', () => {
  expect(aboutLoss(visit(4600), [], [], 'batched')).toContain('nothing was killed');
  expect(aboutLoss(visit(6500), [], [killed], 'batched')).toContain('nothing was killed');
  expect(aboutLoss(visit(4600), [], [killed], 'durable')).toContain('durable');
});
