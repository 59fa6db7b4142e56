/**
 * The environment, read once into one frozen Config. Every limit and default of the product has its name
 * here; what is in `settings` can be set from outside, and the README's table lists it.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { defaultBounds } from './core/listener-bounds.ts';
import { loopLimits } from './core/loop-shares.ts';
import { parseTime } from './core/time.ts';
import { edgeConfig, edgeSettings, tlsFault, wayBeyondLoopback } from './edge-settings.ts';
import {
  agentLimits,
  callLineLimits,
  dataPlaneLimits,
  eventLogLimits,
  fleetLimits,
  grpcLimits,
  httpLimits,
  idempotencyLimits,
  logLineLimits,
  longPageLimits,
  tenancyLimits,
} from './limits.ts';
import { defaultDataDir } from './node/data-dir.ts';
import { databaseUrlFault, driverPortFault } from './postgres/database-url.ts';
import { storeLimits } from './postgres/store-limits.ts';
import { plainSecretsWarning, secretKey, secretKeysFault } from './secret-settings.ts';
import { gatewayWarnings, unknownVariables } from './unknown-variables.ts';

const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((v) => v === 'true');
const port = number(0, 65_535);
const day = 86_400_000;

function number(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
}

const portRange = z.string().transform((text, context) => {
  const [, from = '', to = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (range.from >= 1 && range.from <= range.to && range.to <= 65_535) return range;
  context.issues.push({ code: 'custom', input: text, message: 'must be two ports: 20000-20099' });
  return z.NEVER;
});

/** As an API call may name it. */
const listenHost = z
  .string()
  .refine((text) => text === 'localhost' || (isIP(text) !== 0 && !text.includes('%')), {
    error: 'must be an address, without a zone',
  })
  .transform((text) => (text === 'localhost' ? '127.0.0.1' : text));

/** What a node may be called, wherever its id comes from. */
export const nodeIdRule = {
  pattern: /^[A-Za-z0-9._-]{1,64}$/,
  words: 'must be 1 to 64 letters, digits, dots or dashes',
} as const;

const time = z.string().transform((text, context) => {
  const parsed = parseTime(text);
  if (parsed !== null) return parsed;
  context.addIssue({ code: 'custom', message: 'must be a time such as 2026-11-26T00:00:00Z' });
  return z.NEVER;
});

/** Every variable that kodama reads. An empty one counts as absent. */
export const settings = z.object({
  ...edgeSettings,
  KODAMA_HTTP_PORT: port.default(8080),
  KODAMA_GRPC_PORT: port.default(50_051),
  KODAMA_LISTEN_HOST: listenHost.default(defaultBounds.listenHost),
  KODAMA_LISTEN_PORTS: portRange.optional(),
  KODAMA_APPLY: z.string().optional(),
  KODAMA_DATA_DIR: z.string().default(defaultDataDir),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, { error: 'must be a postgresql:// URL' })
    .superRefine((url, context) => {
      const fault = databaseUrlFault(url);
      if (fault !== null) context.addIssue({ code: 'custom', message: fault });
    })
    .optional(),
  KODAMA_NODE_ID: z.string().regex(nodeIdRule.pattern, { error: nodeIdRule.words }).optional(),
  KODAMA_WORKERS: number(0, 64).default(1),
  KODAMA_API_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,512}$/, { error: 'must be 16 to 512 visible ASCII characters' })
    .optional(),
  KODAMA_INSECURE: flag.default(false),
  KODAMA_METRICS_OPEN: flag.default(false),
  KODAMA_SECRET_KEY: secretKey.optional(),
  KODAMA_SECRET_KEY_OLD: secretKey.optional(),
  KODAMA_ALLOW_PRIVILEGED_PORTS: flag.default(false),
  KODAMA_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], {
      error: 'must be debug, info, warn, error or silent',
    })
    .default('info'),
  KODAMA_LOG_FORMAT: z.enum(['text', 'json'], { error: 'must be text or json' }).optional(),
  KODAMA_RETENTION_DAYS: number(1, 3650).default(30),
  KODAMA_RETENTION_EVENTS_MAX: number(1000, 10 ** 12).default(100_000_000),
  KODAMA_RETENTION_BYTES_MAX: number(10 ** 6, 10 ** 15 - 1).default(40_000_000_000),
  KODAMA_RETENTION_CONFIRMED_TIME: time.optional(),
  KODAMA_LISTENERS_MAX: number(1, 60_000).default(10_000),
  KODAMA_LISTENERS_BYTES_MAX: number(1_048_576, 2 ** 40).default(33_554_432),
  KODAMA_CONNECTIONS_MAX: number(1, 1_000_000).default(100_000),
  KODAMA_STREAMS_MAX: number(1, 100_000).default(1000),
  KODAMA_NODE_CONNECTIONS_MAX: number(1000, 1_000_000).default(fleetLimits.nodeConnectionsMax),
  KODAMA_FLEET_CONNECTIONS_MAX: number(1000, 10_000_000).default(fleetLimits.fleetConnectionsMax),
  KODAMA_NODE_RECORDS_PER_SECOND: number(1000, 1_000_000).default(10_000),
  KODAMA_SHUTDOWN_TIMEOUT_MS: number(100, 600_000).default(10_000),
});

export type Config = ReturnType<typeof build>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError that names each wrong variable */
export function readConfig(environment: Environment, { isTerminal = false } = {}): Config {
  const env = parseBy(settings, environment);
  const fault = driverPortFault(env.DATABASE_URL, environment.PGPORT);
  if (fault !== null) throw new ConfigError(`PGPORT ${fault}`);
  return build(env, isTerminal, [...warningsOf(environment), ...gatewayWarnings(environment)]);
}

type Environment = Readonly<Record<string, string | undefined>>;

function parseBy<Schema extends z.ZodType>(schema: Schema, environment: Environment) {
  const given = Object.entries(environment).filter(([, value]) => value !== '');
  const result = schema.safeParse(Object.fromEntries(given));
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new ConfigError(lines.join('\n'));
}

function warningsOf(environment: Environment): readonly string[] {
  return unknownVariables(Object.keys(environment), Object.keys(settings.shape));
}

type Variables = z.output<typeof settings>;

function dataPlaneOf(env: Pick<Variables, 'KODAMA_CONNECTIONS_MAX' | 'KODAMA_WORKERS'>) {
  const connectionsMax = Math.max(
    1,
    Math.floor(env.KODAMA_CONNECTIONS_MAX / Math.max(1, env.KODAMA_WORKERS)),
  );
  return { ...dataPlaneLimits, connectionsMax };
}

/** Those that mean the same to an agent. */
const agentSettings = settings
  .pick({
    KODAMA_LISTEN_HOST: true,
    KODAMA_LISTEN_PORTS: true,
    KODAMA_CONNECTIONS_MAX: true,
    KODAMA_ALLOW_PRIVILEGED_PORTS: true,
    KODAMA_LOG_LEVEL: true,
    KODAMA_LOG_FORMAT: true,
    KODAMA_DATA_DIR: true,
    KODAMA_SHUTDOWN_TIMEOUT_MS: true,
  })
  .extend({
    KODAMA_JOIN_TOKEN: z.string().optional(),
    KODAMA_WORKERS: number(1, 64).default(1),
  });

export type AgentConfig = ReturnType<typeof buildAgent>;

/** @throws ConfigError that names each wrong variable */
export function readAgentConfig(environment: Environment, { isTerminal = false } = {}) {
  const env = parseBy(agentSettings, environment);
  return buildAgent(env, isTerminal, warningsOf(environment));
}

function buildAgent(
  env: z.output<typeof agentSettings>,
  isTerminal: boolean,
  warnings: readonly string[],
) {
  const { KODAMA_LISTEN_PORTS: listenPorts = null } = env;
  assertUnprivileged(env);
  return Object.freeze({
    joinToken: env.KODAMA_JOIN_TOKEN ?? null,
    dataDir: resolve(env.KODAMA_DATA_DIR),
    workers: env.KODAMA_WORKERS,
    isPrivilegedAllowed: env.KODAMA_ALLOW_PRIVILEGED_PORTS,
    listenHost: env.KODAMA_LISTEN_HOST,
    listenPorts,
    logLevel: env.KODAMA_LOG_LEVEL,
    logFormat: env.KODAMA_LOG_FORMAT ?? (isTerminal ? ('text' as const) : ('json' as const)),
    dataPlane: dataPlaneOf(env),
    /** Of all workers. */
    connectionsMax: env.KODAMA_CONNECTIONS_MAX,
    limits: agentLimits,
    signalEchoMs,
    shutdownTimeoutMs: env.KODAMA_SHUTDOWN_TIMEOUT_MS,
    warnings,
  });
}

function assertUnprivileged({
  KODAMA_LISTEN_PORTS: ports,
  KODAMA_ALLOW_PRIVILEGED_PORTS: isAllowed,
}: Pick<Variables, 'KODAMA_LISTEN_PORTS' | 'KODAMA_ALLOW_PRIVILEGED_PORTS'>): void {
  if (ports === undefined || ports.from >= 1024 || isAllowed) return;
  throw new ConfigError(
    'KODAMA_LISTEN_PORTS holds privileged ports: KODAMA_ALLOW_PRIVILEGED_PORTS=true allows them',
  );
}

/** Of what the process prints: known before the environment is. */
export const outputLimits = { heldBytesMax: 1_048_576, flushTimeoutMs: 1000 };

const signalEchoMs = 500;

function build(env: z.output<typeof settings>, isTerminal: boolean, warnings: readonly string[]) {
  const way = wayBeyondLoopback(env);
  const apiToken = env.KODAMA_API_TOKEN ?? null;
  if (way !== null && apiToken === null && !env.KODAMA_INSECURE) {
    throw new ConfigError(
      `${way}, so anyone who reaches it could drive the API: ` +
        'set KODAMA_API_TOKEN, or say KODAMA_INSECURE=true',
    );
  }
  const halfTls = tlsFault(env);
  if (halfTls !== null) throw new ConfigError(halfTls);
  const { KODAMA_LISTEN_PORTS: listenPorts = null } = env;
  assertUnprivileged(env);
  const { KODAMA_SECRET_KEY: current = null, KODAMA_SECRET_KEY_OLD: old = null } = env;
  const keysFault = secretKeysFault({ current, old });
  if (keysFault !== null) throw new ConfigError(keysFault);
  const plain = current === null && way !== null ? [plainSecretsWarning] : [];
  return Object.freeze({
    http: { host: env.KODAMA_HTTP_HOST, port: env.KODAMA_HTTP_PORT, limits: httpLimits },
    grpc: { host: env.KODAMA_GRPC_HOST, port: env.KODAMA_GRPC_PORT, limits: grpcLimits },
    ...edgeConfig(env),
    apiToken,
    isMetricsOpen: env.KODAMA_METRICS_OPEN,
    secrets: { keys: { current, old }, rotationRowsMax: 100, rotationRetryMs: 5000 },
    applyPath: env.KODAMA_APPLY === undefined ? null : resolve(env.KODAMA_APPLY),
    dataDir: resolve(env.KODAMA_DATA_DIR),
    databaseUrl: env.DATABASE_URL ?? null,
    nodeId: env.KODAMA_NODE_ID ?? null,
    workers: env.KODAMA_WORKERS,
    isPrivilegedAllowed: env.KODAMA_ALLOW_PRIVILEGED_PORTS,
    logLevel: env.KODAMA_LOG_LEVEL,
    logFormat: env.KODAMA_LOG_FORMAT ?? (isTerminal ? ('text' as const) : ('json' as const)),
    retention: {
      ageMs: env.KODAMA_RETENTION_DAYS * day,
      eventsMax: env.KODAMA_RETENTION_EVENTS_MAX,
      bytesMax: env.KODAMA_RETENTION_BYTES_MAX,
      confirmedTime: env.KODAMA_RETENTION_CONFIRMED_TIME ?? null,
      intervalMs: 60_000,
      purgeEventsMax: 5000,
    },
    listeners: {
      listenersMax: env.KODAMA_LISTENERS_MAX,
      specBytesMax: env.KODAMA_LISTENERS_BYTES_MAX,
      drainMsMax: day,
      drawTriesMax: 1000,
      portRestMs: 60_000,
      restingPortsMax: 10_000,
    },
    listenPorts,
    ...{ idempotency: idempotencyLimits, tenancy: tenancyLimits },
    bounds: { ...defaultBounds, listenHost: env.KODAMA_LISTEN_HOST },
    postgres: { startTimeoutMs: 60_000, stopTimeoutMs: 5000 },
    eventLog: eventLogLimits,
    store: storeLimits,
    turns: { ...loopLimits, ...longPageLimits, ...callLineLimits },
    streams: {
      followersMax: env.KODAMA_STREAMS_MAX,
      closeTimeoutMs: 5000,
      waitRowsMax: 10_000,
      pageFillMs: 500,
      labelledListenersMax: 100,
    },
    calls: { leftCallsPerProjectMax: 64, leftCallsMax: 1024 },
    dataPlane: dataPlaneOf(env),
    agent: agentLimits,
    readiness: { pingTimeoutMs: 2000, pingAgeMs: 1000, commitTimeoutMs: 5000 },
    output: outputLimits,
    logLines: logLineLimits,
    signalEchoMs,
    nodes: { absenceMs: 3000, predecessorWaitMs: 30_000 },
    shutdownTimeoutMs: env.KODAMA_SHUTDOWN_TIMEOUT_MS,
    warnings: [...warnings, ...plain],
  });
}
