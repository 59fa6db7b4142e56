/** A gateway over a test admission, and agents that come to it, over loopback. */
import { generateKeyPairSync } from 'node:crypto';
import { Agent } from '../../src/agent/agent.ts';
import { readGatewayUrl } from '../../src/agent/gateway-channel.ts';
import type { Identity } from '../../src/agent/identity.ts';
import { readAgentConfig, readConfig } from '../../src/config.ts';
import type { Address } from '../../src/core/address.ts';
import type { Admission } from '../../src/fleet/admission.ts';
import type { GatewayLimits } from '../../src/gateway/gateway-limits.ts';
import { type GatewayOptions, GatewayServer } from '../../src/gateway/gateway-server.ts';
import { rawPublicKey } from '../../src/wire/hello-signature.ts';
import { keepingLogger } from './samples.ts';
import type { TestAdmission } from './test-admission.ts';

type AgentLimits = ReturnType<typeof readAgentConfig>['limits'];

export const quickGateway = { heartbeatMs: 50, comeBackMs: 20, stopTimeoutMs: 2000 };
const quickAgent = { redialMinMs: 10, redialMaxMs: 50 };

export async function startGateway(
  admission: Admission,
  limits: Partial<GatewayLimits> = {},
  given: Partial<GatewayOptions> = {},
) {
  const { forwarding, gateway } = readConfig({});
  const logger = keepingLogger();
  const server = await GatewayServer.start({
    ...{ admission, logger, forwarding, tls: null, host: '127.0.0.1', port: 0 },
    limits: { ...gateway.limits, ...quickGateway, ...limits },
    ...given,
  });
  return { server, logger, url: urlOf(server.address), [Symbol.asyncDispose]: () => server.stop() };
}

export function urlOf({ port }: Address, scheme = 'http'): string {
  return `${scheme}://127.0.0.1:${port}`;
}

/** One that has joined already. */
export function identityOf(
  admission: TestAdmission,
  urls: readonly string[],
  given: Partial<Identity> = {},
): Identity {
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const nodeId = `node-${admission.nodes.size + 1}`;
  admission.nodes.set(nodeId, { nodeId, name: nodeId, publicKey: rawPublicKey(key) });
  const gateways = urls.map((url) => {
    const gateway = readGatewayUrl(url);
    if (gateway === null) throw new TypeError(url);
    return gateway;
  });
  const { installation } = admission;
  return { nodeId, name: nodeId, installation, key, gateways, pin: null, ...given };
}

export function startAgent(
  identity: Identity,
  limits: Partial<AgentLimits> = {},
  environment: Readonly<Record<string, string>> = {},
) {
  const config = readAgentConfig(environment);
  const logger = keepingLogger();
  const failures: unknown[] = [];
  const agent = new Agent({
    identity,
    config: {
      ...config,
      dataPlane: { ...config.dataPlane, restartMinMs: 1, rebindMinMs: 10 },
      limits: { ...config.limits, ...quickAgent, ...limits },
    },
    version: '0.0.0',
    logger,
    onWelcome: () => undefined,
    onFatal: (error) => void failures.push(error),
  });
  return {
    agent,
    logger,

    failures,
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}
