/** The schemas of what a caller waits for. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { waitCountMax } from '../core/wait.ts';
import type { ConnectionWaitAsk, EventWaitAsk, WaitAsk } from '../core/waits.ts';
import {
  connectionFilter,
  cursorLog,
  eventFilter,
  labelsCarried,
  pageFields,
  toConnectionAsk,
  toEventAsk,
} from './queries.ts';
import { wholeNumber } from './values.ts';

const waitMsMax = 60_000;
const seq = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export function waitFields(bounds: ListenerBounds) {
  return {
    afterSeq: seq
      .default(0)
      .describe('Only what came after it counts; take it from `headSeq` before you act. 0 is all.'),
    log: cursorLog,
    min: wholeNumber(0, waitCountMax)
      .optional()
      .describe('At least so many; 1 by default, or 0 with `max` 0.'),
    max: wholeNumber(0, waitCountMax).optional().describe('No more than so many.'),
    settleMs: wholeNumber(0, waitMsMax)
      .default(0)
      .describe('It must have held for so long without a break, as this call has seen it.'),
    timeoutMs: wholeNumber(0, waitMsMax)
      .default(10_000)
      .describe('How long it is waited for; 0 looks once.'),
    pageSize: pageFields(bounds).pageSize.describe(
      'How many the answer shows, the oldest first; 50 by default, and above 1000 it is 1000.',
    ),
  };
}

/** What a connection must have carried. */
export const carriedBytes = {
  minBytesIn: seq
    .optional()
    .describe('Of connections that so many bytes came from; exact once they are closed.'),
  minBytesOut: seq.optional().describe('Of connections that so many bytes were sent to.'),
};

type Wait = z.output<z.ZodObject<ReturnType<typeof waitFields>>>;

/** Refines the input of a wait: its bounds can be kept. */
export function possibleWait(wait: Wait, context: z.RefinementCtx<Wait>): void {
  const refuse = (field: keyof Wait, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  const { min, max, settleMs, timeoutMs } = wait;
  if (min !== undefined && max !== undefined && min > max) refuse('min', 'is above max');
  if (settleMs > timeoutMs) refuse('settleMs', 'is above timeoutMs');
}

export function waitSchemas(bounds: ListenerBounds) {
  const wait = waitFields(bounds);
  const labels = labelsCarried(bounds);
  return {
    connections: z
      .strictObject({ ...connectionFilter, labels, ...carriedBytes, ...wait })
      .superRefine(possibleWait),
    events: z.strictObject({ ...eventFilter, labels, ...wait }).superRefine(possibleWait),
  };
}

type WaitSchemas = ReturnType<typeof waitSchemas>;

export function toConnectionWait(input: z.output<WaitSchemas['connections']>): ConnectionWaitAsk {
  const { minBytesIn = null, minBytesOut = null } = input;
  return { ...toConnectionAsk(input), minBytesIn, minBytesOut, wait: toWait(input) };
}

export function toEventWait(input: z.output<WaitSchemas['events']>): EventWaitAsk {
  return { ...toEventAsk(input), wait: toWait(input) };
}

function toWait({ afterSeq, log, max, settleMs, timeoutMs, pageSize, ...given }: Wait): WaitAsk {
  const { min = max === 0 ? 0 : 1 } = given;
  return { afterSeq, log, min, max: max ?? null, settleMs, timeoutMs, pageSize };
}
