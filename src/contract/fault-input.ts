/** The schemas of faults, as a create or a change gives them. */
import { z } from 'zod';
import type { Fault } from '../core/fault.ts';
import { list } from './list.ts';
import { cidr, isWhole, time, wholeNumber } from './values.ts';

const dayMs = 86_400_000;
const bytesMax = Number.MAX_SAFE_INTEGER;
const bannerBytesMax = 65_536;
const bannerTooLarge = `holds at most ${bannerBytesMax} bytes`;

const delayMs = wholeNumber(0, dayMs).describe('Milliseconds.');
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
  enabled: z.boolean().default(true).describe('false keeps it in the list without effect.'),
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
      type: z.literal('latency').describe('Bytes come back later.'),
      delayMs,
      jitterMs: delayMs.default(0).describe('How far the delay strays.'),
      distribution: z
        .enum(['uniform', 'normal', 'pareto'])
        .default('uniform')
        .describe('How it strays.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('bandwidth').describe('Bytes come back no faster.'),
      bytesPerSecond: wholeNumber(1, 1e12).describe('In the long run.'),
      scope: z
        .enum(['connection', 'listener'])
        .default('connection')
        .describe('Whether each connection has it, or all share it.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('slice').describe('Bytes come back in small pieces.'),
      averageBytes: wholeNumber(1, 65_536).describe('The size of a piece.'),
      variationBytes: wholeNumber(0, 65_536).default(0).describe('How far the size strays.'),
      delayMs: delayMs.default(0).describe('Between two pieces.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('limit').describe('Ends the echo after so many bytes.'),
      bytes: bytes.describe('Bytes that still come back.'),
      action: z.enum(['fin', 'rst', 'blackhole']).default('fin').describe('What comes then.'),
      ...common,
    }),
    z.strictObject({
      type: z
        .literal('close')
        .describe('Closes, after exactly one of afterMs, afterBytes and afterMessages.'),
      afterMs: delayMs.optional().describe('Milliseconds since accept.'),
      afterBytes: wholeNumber(1, bytesMax).optional().describe('Bytes read.'),
      afterMessages: wholeNumber(1, 1e9).optional().describe('Reads that brought bytes.'),
      mode: z
        .enum(['fin', 'rst', 'half_close'])
        .default('fin')
        .describe('half_close: FIN, and go on reading.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('accept_delay').describe('Waits after the accept, before the first read.'),
      delayMs,
      ...common,
    }),
    z.strictObject({ type: z.literal('refuse').describe('RST at accept.'), ...common }),
    z.strictObject({
      type: z.literal('blackhole').describe('Nothing comes back.'),
      how: z
        .enum(['drop', 'stall'])
        .default('drop')
        .describe('drop: read and forget. stall: do not read.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('drop').describe('UDP: a datagram gets no answer.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('duplicate').describe('UDP: a datagram is answered twice.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('corrupt').describe('Some bytes come back changed.'),
      bytes: wholeNumber(1, 65_536).describe('How many.'),
      ...common,
    }),
    z.strictObject({
      type: z.literal('slow_close').describe("Answers the client's FIN late."),
      delayMs,
      ...common,
    }),
    z.strictObject({
      type: z
        .literal('banner')
        .describe('The server speaks first: exactly one of text and base64.'),
      text: z
        .string()
        .max(bannerBytesMax)
        .refine((text) => isWhole(text) && !text.includes('\0'), {
          error: 'holds NUL or half a character: give base64',
        })
        .refine((text) => Buffer.byteLength(text) <= bannerBytesMax, { error: bannerTooLarge })
        .optional()
        .describe('Sent as UTF-8.'),
      base64: z
        .base64()
        .max(4 * Math.ceil(bannerBytesMax / 3))
        .refine((text) => Buffer.byteLength(text, 'base64') <= bannerBytesMax, {
          error: bannerTooLarge,
        })
        .optional()
        .describe('Sent as the bytes that it stands for.'),
      delayMs: delayMs.default(0).describe('Milliseconds after the accept.'),
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
  .transform((value): Fault => value)
  .meta({ id: 'FaultSpec', examples: [{ type: 'latency', delayMs: 100, jitterMs: 20 }] });

/** A datagram is answered twice at most, or a forged source would be sent many times what it cost. */
export function faultList(faultsMax: number) {
  return list(fault, faultsMax).superRefine((faults, context) => {
    const doubling = faults.flatMap(({ type, enabled }, index) =>
      type === 'duplicate' && enabled ? [index] : [],
    );
    for (const index of doubling.slice(1)) {
      const message = 'only one duplicate may be enabled: a datagram is answered twice at most';
      context.addIssue({ code: 'custom', path: [index, 'type'], message });
    }
  });
}
