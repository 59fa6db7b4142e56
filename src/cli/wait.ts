/**
 * One wait of the command as several calls of the API, each of at most a minute: a call changes nothing and counts what has
 * happened before it, so that one that is cut off, or ends too early, is asked again and loses nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandFailure, Refused, Unreachable } from './failure.ts';
import type { Lists, Query, RestClient } from './rest-client.ts';

/** What can be waited for. */
export type Counted = 'connections' | 'events';

export type Met<Name extends Counted> = Readonly<Record<Name, readonly Lists[Name][]>> & {
  readonly met: true;
  readonly count: number;
  readonly seq: number;
};

/** What the problem of a wait tells besides. */
export interface NotMet<Name extends Counted> {
  readonly code: 'not_met';
  readonly detail: string;
  readonly why: string;
  readonly near?: readonly (Lists[Name] & { readonly differs: readonly string[] })[];
}

export interface WaitAsk<Name extends Counted> {
  readonly client: RestClient;
  readonly name: Name;
  readonly query: Query;
  readonly settleMs: number;
  readonly timeoutMs: number;
}

/** Of the API. */
const callMsMax = 60_000;
const sliceMs = 30_000;
/** From the end of one call to the next. */
const betweenMs = 1000;
const pauseMs = 250;

/** How long the next call waits: all that is left, or a part behind which what holds can still settle. */
export function nextCallMs(leftMs: number, settleMs: number): number {
  if (leftMs <= callMsMax) return leftMs;
  const leastMs = settleMs + betweenMs;
  if (leastMs <= sliceMs) return sliceMs;
  // Parts of one length: with the least, what is left for the last of them could be too short to settle in.
  const count = Math.max(1, Math.floor(leftMs / leastMs));
  return Math.min(callMsMax, Math.ceil(leftMs / count));
}

/** @throws Refused of code not_met where it is not met, or cannot be any more */
export async function waitFor<Name extends Counted>({
  client,
  name,
  query,
  settleMs,
  timeoutMs,
}: WaitAsk<Name>): Promise<Met<Name>> {
  const deadline = performance.now() + timeoutMs;
  let isBegun = false;
  for (;;) {
    const leftMs = Math.max(settleMs, Math.ceil(deadline - performance.now()));
    const callMs = nextCallMs(leftMs, settleMs);
    try {
      return await client.call<Met<Name>>('GET', `/v1/${name}:wait`, {
        query: { ...query, settleMs, timeoutMs: callMs },
        silenceMs: callMs + sliceMs,
      });
    } catch (error) {
      if (!mayGoOn(error, isBegun)) throw error;
      // What holds at the end of one call has to settle anew in the next.
      if (deadline - performance.now() <= settleMs) throw error;
    }
    isBegun = true;
    await delay(pauseMs);
  }
}

/** A kodama that was never there is not waited for: that is what `status --ready` does. */
function mayGoOn(error: unknown, isBegun: boolean): error is CommandFailure {
  if (error instanceof Unreachable) return isBegun || !error.isNobodyThere;
  if (!(error instanceof Refused)) return false;
  const { problem } = error;
  return error.isPassing || ('why' in problem && problem.why === 'timeout');
}
