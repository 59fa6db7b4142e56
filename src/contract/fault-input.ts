/** The schemas of faults, as a create or a change gives them. */
import { z } from 'zod';
import type { Fault } from '../core/fault.ts';
import { cidr, time, wholeNumber } from './values.ts';

const dayMs = 86_400_000;
const bytesMax = Number.MAX_SAFE_INTEGER;
const bannerBytesMax = 65_536;

const delayMs = wholeNumber(0, dayMs);
const bytes = wholeNumber(0, bytesMax);

const common = {
  probability: z
    .number()
    .min(0, { error: 'must be from 0 to 1' })
    .max(1, { error: 'must be from 0 to 1' })
    .default(1)
    .describe('Chance that the fault applies: drawn once a connection, for UDP once a datagram.'),
  seed: wholeNumber(0, 0xffff_ffff)
    .nullable()
    .default(null)
    .describe('The same seed gives the same run.'),
  match: z
    .strictObject({
      cidr: cidr.optional().describe('Only connections from this network.'),
      everyNth: wholeNumber(1, 1e9).optional().describe('Only every nth connection.'),
      firstN: wholeNumber(1, 1e9).optional().describe('Only the first n connections.'),
      afterN: wholeNumber(0, 1e9).optional().describe('Only connections after the first n.'),
    })
    .default({})
    .describe('Which connections the fault is for; all that is given must hold.'),
  enabled: z.boolean().default(true),
  expiresAt: time.nullable().default(null).describe('The fault ends by itself at this time.'),
};

function exactlyOne(fields: readonly string[]) {
  return (fault: object): boolean =>
    Object.entries(fault).filter(([key, value]) => fields.includes(key) && value !== undefined)
      .length === 1;
}

const closeAfter = ['afterMs', 'afterBytes', 'afterMessages'] as const;

export const fault = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('latency'),
      delayMs,
      jitterMs: delayMs.default(0),
      distribution: z.enum(['uniform', 'normal', 'pareto']).default('uniform'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('bandwidth'),
      bytesPerSecond: wholeNumber(1, 1e12),
      scope: z.enum(['connection', 'listener']).default('connection'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('slice'),
      averageBytes: wholeNumber(1, 65_536),
      variationBytes: wholeNumber(0, 65_536).default(0),
      delayMs: delayMs.default(0),
      ...common,
    }),
    z.strictObject({
      type: z.literal('limit'),
      bytes,
      action: z.enum(['fin', 'rst', 'blackhole']).default('fin'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('close'),
      afterMs: delayMs.optional(),
      afterBytes: wholeNumber(1, bytesMax).optional(),
      afterMessages: wholeNumber(1, 1e9).optional(),
      mode: z.enum(['fin', 'rst', 'half_close']).default('fin'),
      ...common,
    }),
    z.strictObject({ type: z.literal('accept_delay'), delayMs, ...common }),
    z.strictObject({ type: z.literal('refuse'), ...common }),
    z.strictObject({
      type: z.literal('blackhole'),
      how: z.enum(['drop', 'stall']).default('drop'),
      ...common,
    }),
    z.strictObject({ type: z.literal('drop'), ...common }),
    z.strictObject({ type: z.literal('duplicate'), ...common }),
    z.strictObject({ type: z.literal('corrupt'), bytes: wholeNumber(1, 65_536), ...common }),
    z.strictObject({ type: z.literal('slow_close'), delayMs, ...common }),
    z.strictObject({
      type: z.literal('banner'),
      text: z.string().max(bannerBytesMax).optional(),
      base64: z
        .base64()
        .max(Math.ceil((bannerBytesMax * 4) / 3))
        .optional(),
      delayMs: delayMs.default(0),
      ...common,
    }),
  ])
  .superRefine((value, context) => {
    if (value.type === 'close' && !exactlyOne(closeAfter)(value)) {
      context.addIssue({
        code: 'custom',
        message: `takes exactly one of ${closeAfter.join(', ')}`,
      });
    }
    if (value.type === 'banner' && !exactlyOne(['text', 'base64'])(value)) {
      context.addIssue({ code: 'custom', message: 'takes exactly one of text, base64' });
    }
  })
  .transform((value): Fault => value);

const udpFaults = new Set([
  'latency',
  'bandwidth',
  'limit',
  'refuse',
  'blackhole',
  'drop',
  'duplicate',
  'corrupt',
]);
const udpOnlyFaults = new Set(['drop', 'duplicate']);

/** What is wrong with a fault on a protocol; null where nothing is. */
export function faultMismatch(type: Fault['type'], protocol: 'tcp' | 'udp' | 'tls'): string | null {
  if (protocol === 'udp') {
    return udpFaults.has(type) ? null : `${type} has no meaning for udp, which has no connections`;
  }
  return udpOnlyFaults.has(type) ? `${type} is for udp: a byte stream has no datagrams` : null;
}
