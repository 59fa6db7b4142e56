import { AppError } from './errors.ts';
import { type AnySpecBody, largestFields, specBytes } from './sizes.ts';

/**
 * What a listener may ask for: the default and the ceiling of each of its limits. The configuration sets
 * these; an ask above a ceiling is refused by name.
 */
export interface LimitRange {
  readonly default: number | null;
  readonly max: number;
}

export interface ListenerBounds {
  /** The host of a listener that names none. */
  readonly listenHost: string;
  readonly maxConnections: { readonly default: number; readonly max: number };
  readonly maxConnectionsPerSource: LimitRange;
  readonly acceptPerSecondMax: number;
  readonly acceptBurstMax: number;
  readonly idleTimeoutMs: LimitRange;
  readonly maxDurationMs: LimitRange;
  readonly maxBytes: LimitRange;
  readonly writeTimeoutMs: LimitRange;
  readonly udpIdleTimeoutMs: { readonly default: number; readonly max: number };
  readonly cidrsMax: number;
  readonly faultsMax: number;
  readonly labelsMax: number;
  readonly batchMax: number;
  /** Of a chain, and of a list of authorities. */
  readonly certificatesMax: number;
  /** Of the keys of certificates, and of their authorities. */
  readonly rsaBitsMax: number;
  readonly rsaExponentMax: number;
  /** Bytes of a spec: labels, limits, faults, tls and proxyProtocol, as JSON. */
  readonly specBytesMax: number;
  /** Of all specs of a batch: its commit and its answer stay small. */
  readonly batchBytesMax: number;
  /** A page ends with the item with which it holds so many bytes. */
  readonly pageBytesMax: number;
  readonly pageSize: { readonly default: number; readonly max: number };
}

const day = 86_400_000;

/** The bounds where the configuration says nothing else. */
export const defaultBounds: ListenerBounds = {
  listenHost: '127.0.0.1',
  maxConnections: { default: 10_000, max: 1_000_000 },
  maxConnectionsPerSource: { default: null, max: 1_000_000 },
  acceptPerSecondMax: 1_000_000,
  acceptBurstMax: 1_000_000,
  idleTimeoutMs: { default: null, max: 7 * day },
  maxDurationMs: { default: null, max: 30 * day },
  maxBytes: { default: null, max: Number.MAX_SAFE_INTEGER },
  writeTimeoutMs: { default: null, max: day },
  udpIdleTimeoutMs: { default: 30_000, max: day },
  cidrsMax: 256,
  faultsMax: 16,
  labelsMax: 32,
  batchMax: 100,
  certificatesMax: 32,
  rsaBitsMax: 4096,
  rsaExponentMax: 2 ** 32,
  specBytesMax: 131_072,
  batchBytesMax: 1_048_576,
  pageBytesMax: 1_048_576,
  pageSize: { default: 50, max: 1000 },
};

/** @throws invalid_argument that names the fields that take most; `place` comes before each */
export function assertSpecFits(
  spec: AnySpecBody,
  specBytesMax: number,
  {
    bytes = specBytes(spec),
    place = '',
  }: { readonly bytes?: number; readonly place?: string } = {},
): void {
  if (bytes <= specBytesMax) return;
  const message = `has most of the spec's ${bytes} bytes, which may be at most ${specBytesMax}`;
  const errors = largestFields(spec).map((name) => ({ path: `${place}${name}`, message }));
  const named = errors.map(({ path }) => path).join(', ');
  throw new AppError('invalid_argument', `${named}: ${message}`, { errors });
}
