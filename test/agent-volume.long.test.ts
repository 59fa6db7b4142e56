/** Many connections over two workers, over a network that is cut again and again: each is on record once, in order. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { WorkerRecord } from '../src/core/record.ts';
import { identityOf, startAgent, startGateway } from './support/agent-world.ts';
import { bindingOf } from './support/data-plane-contract.ts';
import { talk } from './support/tcp-client.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import { TestAdmission, wishAll } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

const clients = 24;
const talksMin = 10_000;
const roundsMin = 8;
const longMs = 120_000;

test('nothing is lost, nothing is twice, and nothing ends before it began', async () => {
  await using resources = new AsyncDisposableStack();
  const admission = new TestAdmission();
  const { server } = resources.use(await startGateway(admission));
  const { port: gatewayPort } = server.address;
  const proxy = resources.use(await startTcpProxy(() => connect(gatewayPort, '127.0.0.1')));
  const identity = identityOf(admission, [`http://127.0.0.1:${proxy.port}`]);
  // Small enough that workers wait for it while the network is cut.
  const limits = { spoolRecordsMax: 2000, spoolSlowMs: 20 };
  const { failures } = resources.use(startAgent(identity, limits, { KODAMA_WORKERS: '2' }));
  const session = await waitFor('the session', () => admission.session);
  const binding = bindingOf({ limits: { ...bindingOf().limits, maxConnections: 10_000 } });
  const { laddr } = await session.link.dataPlane.open(binding);
  await session.link.dataPlane.wish({ generation: 1, binding });
  admission.onStart = ({ link }) => wishAll(link, [binding]);

  let talks = 0;
  let isOver = false;
  const one = async () => {
    while (!isOver) {
      expect(await talk(laddr.port, 'hello')).toBe('hello');
      talks += 1;
    }
  };
  const all = Promise.all(Array.from({ length: clients }, one));
  for (let round = 0; round < roundsMin || talks < talksMin; round += 1) {
    const { length: sessions } = admission.sessions;
    const from = talks;
    if (round % 2 === 0) proxy.mute();
    await waitFor('some talks', () => talks > from + 300, longMs);
    proxy.cut();
    const cutAt = talks;
    await waitFor('some talks without a session', () => talks > cutAt + 300, longMs);
    proxy.restore();
    await waitFor('the next session', () => admission.sessions.length > sessions, longMs);
    await waitFor('some talks with it', () => talks > cutAt + 600, longMs);
  }
  isOver = true;
  await all;

  const ends = () => admission.records.filter(({ kind }) => kind === 'closed').length;
  await waitFor('all ends', () => ends() >= talks, longMs);
  expect(admission.committed.size).toBe(1);
  expect(admission.repeats).toBeGreaterThan(0);
  expect(ends()).toBe(talks);
  expect(livesOf(admission.records)).toEqual({ open: 0, whole: talks, strange: 0 });
  expect(failures).toEqual([]);
});

/** How many connections were opened and then closed, each once. */
function livesOf(records: readonly WorkerRecord[]) {
  const open = new Set<string>();
  const over = new Set<string>();
  let strange = 0;
  for (const record of records) {
    if (record.kind === 'refused') continue;
    const { id } = record.connection;
    if (record.kind === 'opened') {
      if (open.has(id) || over.has(id)) strange += 1;
      open.add(id);
    } else if (!open.has(id)) strange += 1;
    else if (record.kind === 'closed') {
      open.delete(id);
      over.add(id);
    }
  }
  return { open: open.size, whole: over.size, strange };
}
