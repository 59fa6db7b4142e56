/** The fake keeps what the real data plane keeps, over real worker processes and sockets. */
import { readConfig } from '../src/config.ts';
import type { DataPlaneEvents } from '../src/core/ports.ts';
import { WorkerDataPlane } from '../src/workers/worker-data-plane.ts';
import { dataPlaneContract } from './support/data-plane-contract.ts';
import { FakeDataPlane } from './support/fake-data-plane.ts';
import { keepingLogger } from './support/samples.ts';
import { connectTcp } from './support/tcp-client.ts';

dataPlaneContract('worker processes', async (events) => {
  const plane = await startWorkers(events);
  return {
    plane,
    isLossTold: true,
    settled: async () => undefined,
    connect: connectTcp,
    loseWorker: () => process.kill(plane.status()[0]?.pid ?? 0, 'SIGKILL'),
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
});

dataPlaneContract('no sockets', async (events) => {
  const plane = new FakeDataPlane(events);
  return {
    plane,
    isLossTold: true,
    settled: async () => undefined,
    connect: (port) => plane.connect(port),
    loseWorker: () => plane.loseWorker(),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

async function startWorkers(events: DataPlaneEvents): Promise<WorkerDataPlane> {
  return await WorkerDataPlane.start({
    workers: 1,
    nodeId: 'node-1',
    log: keepingLogger(),
    limits: { ...readConfig({}).dataPlane, restartMinMs: 1, rebindMinMs: 10 },
    onFatal(error) {
      throw error;
    },
    events,
  });
}
