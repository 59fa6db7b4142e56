/** The data plane of a node on another host keeps what every data plane keeps: a real agent, its workers, a real stream. */
import { expect } from 'vitest';
import { identityOf, startAgent, startGateway } from './support/agent-world.ts';
import { dataPlaneContract } from './support/data-plane-contract.ts';
import { connectTcp } from './support/tcp-client.ts';
import { TestAdmission } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

dataPlaneContract('an agent', async (events) => {
  await using resources = new AsyncDisposableStack();
  const admission = new TestAdmission();
  admission.onRecords = (bootId, records, isAwaited) =>
    void events.onRecords(bootId, records, isAwaited);
  admission.onObserved = (observed) => events.onObserved(observed);
  const { url } = resources.use(await startGateway(admission, { heartbeatMs: 20 }));
  const { failures } = resources.use(startAgent(identityOf(admission, [url])));
  const session = await waitFor('the session', () => admission.session);
  const plane = session.link.dataPlane;
  await waitFor('its worker', () => plane.status().length > 0);
  const all = resources.move();
  return {
    plane,
    isLossTold: false,
    async settled() {
      const { length } = session.beats;
      await waitFor('two heartbeats', () => session.beats.length >= length + 2);
    },
    connect: connectTcp,
    loseWorker: () => process.kill(plane.status()[0]?.pid ?? 0, 'SIGKILL'),
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      expect(failures).toEqual([]);
    },
  };
});
