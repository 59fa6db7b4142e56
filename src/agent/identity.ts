/** As whom an agent comes to its control plane, and where that is: as it is kept, or by a join. */
import type { KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { type AgentConfig, ConfigError } from '../config.ts';
import type { Logger } from '../core/ports.ts';
import { nameOfHost } from '../fleet/node.ts';
import type { GivenToken } from '../wire/pin.ts';
import { type AgentStateFile, tokenDigest } from './agent-state.ts';
import { type GatewayUrl, readGatewayUrl } from './gateway-channel.ts';
import { join } from './join.ts';

export interface Identity {
  readonly nodeId: string;
  readonly name: string;
  readonly installation: string;
  readonly key: KeyObject;
  readonly gateways: readonly GatewayUrl[];
  readonly pin: string | null;
}

export interface IdentityOptions {
  readonly file: AgentStateFile;
  /** As they were given; none: those that are kept. */
  readonly urls: readonly string[];
  readonly token: GivenToken | null;
  readonly name: string | null;
  readonly version: string;
  readonly limits: AgentConfig['limits'];
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Null where the node of this very token was removed.
 * @throws ConfigError that says what is missing or wrong; StartError where it is refused
 */
export async function takeIdentity(options: IdentityOptions): Promise<Identity | null> {
  const { file, token } = options;
  const urls = options.urls.length > 0 ? options.urls : file.state.urls;
  const gateways = urls.map(gatewayOf);
  if (gateways.length === 0)
    throw new ConfigError('where is the gateway? --join https://host:port');
  // A token without a pin says that authorities vouch for the gateway by now.
  const { pin } = token ?? file.state;
  if (file.state.joined === null) {
    if (token === null) {
      throw new ConfigError('this host has not joined yet: KODAMA_JOIN_TOKEN or --token-file');
    }
    if (file.state.spent.includes(tokenDigest(token.secret))) return null;
    await joinNow(options, token, gateways);
  }
  const { joined } = file.state;
  if (joined === null) throw new TypeError('it has joined');
  return { ...joined, key: await file.key(), gateways, pin };
}

/**
 * To be called once its control plane has taken it there: what was given and leads elsewhere, or nowhere, takes the
 * place of nothing that leads to it.
 */
export async function keepWays(file: AgentStateFile, { gateways, pin }: Identity): Promise<void> {
  const ways = { urls: gateways.map(({ url }) => url), pin };
  const { urls, pin: kept } = file.state;
  if (!isDeepStrictEqual({ urls, pin: kept }, ways)) await file.change(ways);
}

async function joinNow(
  { file, name, ...options }: IdentityOptions,
  { secret, pin }: GivenToken,
  gateways: readonly GatewayUrl[],
): Promise<void> {
  // Kept before it is shown: a join whose answer was lost is then repeated, and is the same one.
  await file.change({ token: tokenDigest(secret) });
  const key = await file.key();
  const host = hostname();
  const own = { name: name ?? nameOfHost(host), hostname: host, token: secret };
  const joined = await join({ ...options, ...own, key, pin, gateways });
  await file.change({ joined, urls: gateways.map(({ url }) => url), pin });
}

function gatewayOf(text: string): GatewayUrl {
  const gateway = readGatewayUrl(text);
  if (gateway !== null) return gateway;
  throw new ConfigError(`--join: ${text} is no gateway: https://host:port, or http:// on loopback`);
}
