/** Nodes that their database does not know, as one that was put back to before they joined. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGatewayUrl } from '../../src/agent/gateway-channel.ts';
import { startAgent } from '../support/agent-world.ts';
import { startGatewayReplica } from '../support/gateway-replica.ts';
import { waitFor } from '../support/wait-for.ts';

let world: Awaited<ReturnType<typeof startGatewayReplica>>;
beforeAll(async () => {
  world = await startGatewayReplica({ unknownRetryAfterMs: 20 });
});
afterAll(() => world[Symbol.asyncDispose]());

async function joined(name: string) {
  const gateway = readGatewayUrl(world.gateway.url);
  if (gateway === null) throw new TypeError('no gateway');
  const identity = { ...(await world.joined(name)), gateways: [gateway] };
  const { nodeId } = identity;
  const isReady = async () => {
    const rows = await world.query('SELECT state FROM nodes WHERE id = $1', [nodeId]);
    return rows[0]?.state === 'ready';
  };
  const rename = (from: string, to: string) =>
    world.query('UPDATE nodes SET id = $2 WHERE id = $1', [from, to]);
  return {
    ...{ nodeId, isReady, start: () => startAgent(identity) },
    takeAway: () => rename(nodeId, `not ${nodeId}`),
    putBack: () => rename(`not ${nodeId}`, nodeId),
  };
}

test('a node that is not on record goes on, and is ready once it is', async () => {
  const { nodeId, start, takeAway, putBack, isReady } = await joined('restored');
  await takeAway();
  await using host = start();
  const { agent, logger } = host;
  const told = () =>
    logger.lines.filter(({ fields }) => /not on record/.test(JSON.stringify(fields)));
  await Promise.race([agent.removed, waitFor('its second try', () => told().length > 1)]);
  expect(told()[0]).toMatchObject({ message: 'without the control plane for now' });
  const here = world.logger.lines.filter(({ message }) => message === 'a session is refused');
  expect(here[0]).toMatchObject({ level: 'warn', fields: { nodeId } });
  await putBack();
  await Promise.race([agent.removed, waitFor('its session', isReady)]);
  expect(await isReady()).toBe(true);
});

test('a node that was removed is told so for as long as that is on record', async () => {
  const { nodeId, start } = await joined('removed');
  await world.query(`UPDATE nodes SET state = 'removed', key = NULL WHERE id = $1`, [nodeId]);
  await using host = start();
  await host.agent.removed;
});
