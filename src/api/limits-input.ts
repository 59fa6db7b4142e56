/** The schema of a listener's limits, and their defaults. */
import { z } from 'zod';
import type { ListenerLimits } from '../core/listener.ts';
import type { LimitRange, ListenerBounds } from '../core/listener-bounds.ts';
import { list } from './list.ts';
import { cidr, wholeNumber } from './values.ts';

function bounded(min: number, range: LimitRange) {
  return wholeNumber(min, range.max).nullable();
}

/** The limits, each optional: what is absent has its default. */
export function newLimits(bounds: ListenerBounds) {
  return z.strictObject({
    maxConnections: wholeNumber(1, bounds.maxConnections.max)
      .optional()
      .describe(
        'Open connections at once; more are refused. With several workers each has its part.',
      ),
    maxConnectionsPerSource: bounded(1, bounds.maxConnectionsPerSource)
      .optional()
      .describe(
        'Open connections at once from one remote address; null is no bound. With several workers each has its part.',
      ),
    acceptRate: z
      .strictObject({
        perSecond: wholeNumber(1, bounds.acceptPerSecondMax).describe('In the long run.'),
        burst: wholeNumber(1, bounds.acceptBurstMax).describe('At once.'),
      })
      .nullable()
      .optional()
      .describe(
        'How many connections are taken; null is no bound. With several workers each has its part.',
      ),
    idleTimeoutMs: bounded(1, bounds.idleTimeoutMs)
      .optional()
      .describe('Close after so long without a byte; null is never.'),
    maxDurationMs: bounded(1, bounds.maxDurationMs)
      .optional()
      .describe('Close after so long, whatever happens; null is never.'),
    maxBytes: bounded(1, bounds.maxBytes)
      .optional()
      .describe('Close after so many bytes read; null is never.'),
    writeTimeoutMs: bounded(1, bounds.writeTimeoutMs)
      .optional()
      .describe('Close when the client has taken nothing for so long; null is never.'),
    udpIdleTimeoutMs: wholeNumber(1, bounds.udpIdleTimeoutMs.max)
      .optional()
      .describe('A UDP session ends after so long without a datagram.'),
    allowCidrs: list(cidr, bounds.cidrsMax)
      .optional()
      .describe('Only these may connect; none named: all may.'),
    denyCidrs: list(cidr, bounds.cidrsMax).optional().describe('These may not connect.'),
  });
}

/** The limits, each optional: what a change gives. Each takes null. */
export function limitsPatch(bounds: ListenerBounds) {
  const { shape } = newLimits(bounds);
  return z.strictObject({
    ...shape,
    maxConnections: orCleared(shape.maxConnections),
    udpIdleTimeoutMs: orCleared(shape.udpIdleTimeoutMs),
    allowCidrs: orCleared(shape.allowCidrs),
    denyCidrs: orCleared(shape.denyCidrs),
  });
}

function orCleared<Field extends z.ZodType>(field: z.ZodOptional<Field>) {
  const words = field.description ?? '';
  return field.unwrap().nullable().optional().describe(`${words} null is its default.`);
}

/** What is null, or all of it, is no bound of its kind; of what every listener has it is the default. */
export function changedLimits(
  change: z.output<ReturnType<typeof limitsPatch>> | null,
  bounds: ListenerBounds,
): Partial<ListenerLimits> {
  const cleared = clearedLimits(bounds);
  if (change === null) return cleared;
  const fields = Object.entries(change).filter(([, value]) => value !== undefined);
  const clearedOf = (name: string) => cleared[name as keyof ListenerLimits];
  return Object.fromEntries(fields.map(([name, value]) => [name, value ?? clearedOf(name)]));
}

function clearedLimits(bounds: ListenerBounds): ListenerLimits {
  return {
    ...defaultLimits(bounds),
    ...{ maxConnectionsPerSource: null, acceptRate: null },
    ...{ idleTimeoutMs: null, maxDurationMs: null, maxBytes: null, writeTimeoutMs: null },
  };
}

export function defaultLimits(bounds: ListenerBounds): ListenerLimits {
  return {
    maxConnections: bounds.maxConnections.default,
    maxConnectionsPerSource: bounds.maxConnectionsPerSource.default,
    acceptRate: null,
    idleTimeoutMs: bounds.idleTimeoutMs.default,
    maxDurationMs: bounds.maxDurationMs.default,
    maxBytes: bounds.maxBytes.default,
    writeTimeoutMs: bounds.writeTimeoutMs.default,
    udpIdleTimeoutMs: bounds.udpIdleTimeoutMs.default,
    allowCidrs: [],
    denyCidrs: [],
  };
}
