/** The variables of both edges, of the gateway and of its nodes: where they are, their TLS, and what stands before them. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { isLoopback, parseCidr } from './core/address.ts';
import { fleetLimits, forwardingLimits, gatewayLimits, tlsLimits } from './limits.ts';

/** Of values with commas between them; spaces around one do not count. */
function list(isOne: (text: string) => boolean, words: string) {
  return z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine((texts) => texts.every(isOne), { error: `must be ${words}, with commas between them` })
    .optional();
}

const portMax = 65_535;
const portWords = `must be a whole number from 0 to ${portMax}`;
const host = z.string().regex(/^[A-Za-z0-9.:-]+$/, { error: 'must be an address or a host name' });

export const edgeSettings = {
  KODAMA_HTTP_HOST: host.default('127.0.0.1'),
  KODAMA_GRPC_HOST: host.default('127.0.0.1'),
  KODAMA_TLS_CERT: z.string().optional(),
  KODAMA_TLS_KEY: z.string().optional(),
  KODAMA_GATEWAY_HOST: host.default('127.0.0.1'),
  KODAMA_GATEWAY_PORT: z
    .string()
    .regex(/^\d{1,5}$/, { error: portWords })
    .transform(Number)
    .refine((port) => port <= portMax, { error: portWords })
    .optional(),
  KODAMA_GATEWAY_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, {
      error: 'must be a URL such as https://gateway.example.com:7443',
    })
    .optional(),
  KODAMA_GATEWAY_TLS_CERT: z.string().optional(),
  KODAMA_GATEWAY_TLS_KEY: z.string().optional(),
  KODAMA_ALLOWED_HOSTS: list(isHost, 'names or addresses without a port'),
  KODAMA_TRUSTED_PROXIES: list(
    (text) => parseCidr(text) !== null,
    'networks such as 10.0.0.0/8, or addresses',
  ),
  KODAMA_CORS_ORIGINS: list(isOrigin, 'origins such as https://ci.example.com'),
};

type EdgeVariables = z.output<z.ZodObject<typeof edgeSettings>> & {
  readonly KODAMA_NODE_RECORDS_PER_SECOND: number;
  readonly KODAMA_NODE_CONNECTIONS_MAX: number;
  readonly KODAMA_FLEET_CONNECTIONS_MAX: number;
};

/** The part of the configuration that comes of them. */
export function edgeConfig(env: EdgeVariables) {
  const nodeConnectionsMax = env.KODAMA_NODE_CONNECTIONS_MAX;
  const fleetConnectionsMax = env.KODAMA_FLEET_CONNECTIONS_MAX;
  return {
    fleet: { ...fleetLimits, nodeConnectionsMax, fleetConnectionsMax },
    tls: { files: filesOf(env.KODAMA_TLS_CERT, env.KODAMA_TLS_KEY), limits: tlsLimits },
    gateway: {
      host: env.KODAMA_GATEWAY_HOST,
      /** Null: there is none. */
      port: env.KODAMA_GATEWAY_PORT ?? null,
      /** By which agents reach it; null: by its own address. */
      url: env.KODAMA_GATEWAY_URL ?? null,
      /** Null: the certificate is that of the edges, or none. */
      tlsFiles: filesOf(env.KODAMA_GATEWAY_TLS_CERT, env.KODAMA_GATEWAY_TLS_KEY),
      limits: { ...gatewayLimits, recordsPerSecond: env.KODAMA_NODE_RECORDS_PER_SECOND },
    },
    allowedHosts: allowedHosts(env),
    corsOrigins: env.KODAMA_CORS_ORIGINS ?? [],
    forwarding: { trustedProxies: env.KODAMA_TRUSTED_PROXIES ?? [], ...forwardingLimits },
  };
}

/** As a Host header has it. */
function isHost(text: string): boolean {
  return /^[A-Za-z0-9.-]+$/.test(text) || isIP(text.replace(/^\[(.*)\]$/, '$1')) === 6;
}

/** As an Origin header has it (RFC 6454, 6.2): no path, no default port, lower case. */
function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text;
}

/**
 * Why others than the users of this machine may reach the API, by the variable that says so; null: they can not. What
 * comes through a proxy beside kodama comes from loopback, whoever sent it.
 */
export function wayBeyondLoopback(env: EdgeVariables): string | null {
  const { KODAMA_HTTP_HOST: http, KODAMA_GRPC_HOST: grpc } = env;
  if (!isLoopback(http)) return 'KODAMA_HTTP_HOST is not a loopback address';
  if (!isLoopback(grpc)) return 'KODAMA_GRPC_HOST is not a loopback address';
  const named = (['KODAMA_ALLOWED_HOSTS', 'KODAMA_TRUSTED_PROXIES'] as const).find(
    (name) => env[name] !== undefined,
  );
  return named === undefined ? null : `${named} opens the API to more than loopback`;
}

/**
 * The Host headers that REST answers to, beside those of loopback; null: to any. A page that had its own name point here
 * would bring that name.
 */
function allowedHosts(env: EdgeVariables): readonly string[] | null {
  const { KODAMA_HTTP_HOST: http, KODAMA_ALLOWED_HOSTS: named = [] } = env;
  if (named.length === 0 && !isLoopback(http)) return null;
  return named.map((name) => name.toLowerCase().replace(/^\[(.*)\]$/, '$1'));
}

/** Null: none are given. */
function filesOf(cert: string | undefined, key: string | undefined) {
  if (cert === undefined || key === undefined) return null;
  return { cert: resolve(cert), key: resolve(key) };
}

/** What is wrong where only one of two is given: it would be served without TLS, which nobody meant. */
export function tlsFault(env: EdgeVariables): string | null {
  for (const names of pairs) {
    const [given, ...rest] = names.filter((name) => env[name] !== undefined);
    if (given !== undefined && rest.length === 0)
      return `${given} is set alone: TLS wants ${names.join(' and ')}`;
  }
  return null;
}

const pairs = [
  ['KODAMA_TLS_CERT', 'KODAMA_TLS_KEY'],
  ['KODAMA_GATEWAY_TLS_CERT', 'KODAMA_GATEWAY_TLS_KEY'],
] as const;
