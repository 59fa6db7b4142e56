/** A replica with a gateway over a real database, and nodes whose streams a test writes by hand. */
import { generateKeyPairSync } from 'node:crypto';
import { Client } from 'pg';
import type { Identity } from '../../src/agent/identity.ts';
import type { Binding, Bound } from '../../src/core/ports.ts';
import type { Admission } from '../../src/fleet/admission.ts';
import type { GatewayLimits } from '../../src/gateway/gateway-limits.ts';
import { observedFrame } from '../../src/wire/frames.ts';
import { rawPublicKey } from '../../src/wire/hello-signature.ts';
import { startGateway } from './agent-world.ts';
import { openRaw } from './raw-agent.ts';
import { addNode, startReplica } from './replica.ts';
import { keepingLogger } from './samples.ts';
import { makeDatabase } from './test-database.ts';

export type RawAgent = ReturnType<typeof openRaw>;

export async function startGatewayReplica(limits: Partial<GatewayLimits> = {}) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  const query = async (text: string, values: unknown[] = []) =>
    (await client.query(text, values)).rows;
  const logger = keepingLogger();
  const replica = resources.use(await startReplica(url, 'a', {}, logger));
  const { store, sessions } = replica;
  const rows = store.fleet.sessions;
  const admission: Admission = {
    installationId: () => rows.installationId(),
    join: () => Promise.reject(new TypeError('nobody joins here')),
    find: (nodeId) => rows.find(nodeId),
    begin: (hello, link) => sessions.begin(hello, link),
  };
  const gateway = resources.use(await startGateway(admission, limits, { logger }));
  const all = resources.move();
  return {
    ...{ replica, gateway, logger, query },
    errors: () => logger.lines.filter(({ level }) => level === 'error'),
    /** A node that has joined, in the state that a join leaves. */
    async joined(name: string): Promise<Identity> {
      const nodeId = await addNode(replica, query, name);
      const { privateKey: key } = generateKeyPairSync('ed25519');
      const publicKey = rawPublicKey(key);
      await query('UPDATE nodes SET key = $2 WHERE id = $1', [nodeId, publicKey]);
      const installation = await rows.installationId();
      return { nodeId, name, installation, key, gateways: [], pin: null };
    },
    open: (): RawAgent => openRaw(gateway.url),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** From now on it answers what it is asked as an agent does that binds nothing: each listener is said to have port 7. */
export function answerAll(agent: RawAgent): void {
  const bound: Bound = { laddr: { ip: '127.0.0.1', port: 7 }, sockets: [] };
  const observe = ({ listenerId }: Binding, generation: number) =>
    agent.send(observedFrame({ listenerId, generation, state: 'bound', ...bound }));
  agent.onFrame((frame) => {
    if (frame.kind === 'command') {
      const { number } = frame;
      agent.send({
        kind: 'reply',
        number,
        bound: frame.command === 'open' ? bound : null,
        problem: null,
      });
    } else if (frame.kind === 'wish') {
      if (frame.binding !== null) observe(frame.binding, frame.generation);
      agent.send({ kind: 'reply', number: frame.number, bound: null, problem: null });
    }
  });
}
