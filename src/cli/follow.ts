/**
 * The log, followed by seq: what breaks off goes on behind the last line that was read, for ever, and each loss is told.
 * Only what cannot pass by itself ends it, such as a seq that is no longer kept, or a log that is another one by now.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parsed } from './answer.ts';
import { isPassing, Refused, Unreachable } from './failure.ts';
import type { Query, RestClient, StreamMessage } from './rest-client.ts';

export interface FollowOptions {
  readonly client: RestClient;
  /** The filter, and `endAtHead` for what ends there. */
  readonly query: Query;
  /** Where it starts, as the API has it; none is from now. */
  readonly start: Query;
  readonly signal?: AbortSignal;
  /** Of what ends at the head: how long it goes on after a loss without a word. */
  readonly goneMs?: number;
  /** Told of each loss, and that it goes on. */
  readonly say: (text: string) => void;
}

export interface Followed {
  /** As it came. */
  readonly line: string;
  readonly message: Exclude<StreamMessage, { readonly error: unknown }>;
}

const waitMinMs = 100;
const waitMaxMs = 5000;
const goneMsDefault = 30_000;

/**
 * Ends with its signal, or where the query says so. @throws what the first connection fails with, and with `endAtHead` what
 * the last one does, once nothing has come for `goneMs` after a loss
 */
export async function* follow(options: FollowOptions): AsyncGenerator<Followed, void, void> {
  const { client, query, signal, goneMs = goneMsDefault, say } = options;
  let { start } = options;
  let seq: number | null = null;
  let log: string | undefined;
  let waitMs = waitMinMs;
  let isLost = false;
  let isSynced = false;
  let lostAt = 0;
  const isStopped = () => signal?.aborted === true;
  while (!isStopped()) {
    try {
      for await (const followed of messages(client, { ...query, ...start }, signal)) {
        if (isLost) say(`kodama: connected again, after seq ${seq}`);
        isLost = false;
        waitMs = waitMinMs;
        ({ seq, log = log } = followed.message);
        isSynced ||= 'synced' in followed.message;
        // The same seq of another log, such as after a restore, would be another event's: it is refused.
        start = { afterSeq: seq, log };
        yield followed;
      }
      if (query.endAtHead === true && isSynced) return;
      // kodama begins each stream with a line: one without is of somebody between.
      throw new Unreachable(client.url, 'the stream ended');
    } catch (error) {
      if (isStopped()) return;
      if (seq === null || !isPassing(error)) throw error;
      if (!isLost) {
        say(`kodama: the connection is lost (${error.message}): resuming after seq ${seq}`);
        lostAt = performance.now();
      }
      isLost = true;
      // Nobody waits for ever for what is to end.
      if (query.endAtHead === true && performance.now() - lostAt > goneMs) throw error;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, waitMaxMs);
  }
}

async function* messages(
  client: RestClient,
  query: Query,
  signal: AbortSignal | undefined,
): AsyncGenerator<Followed> {
  for await (const line of client.lines('/v1/events', query, signal)) {
    const message = parsed(line);
    if (!isMessage(message)) throw new Unreachable(client.url, 'its stream is none of a kodama');
    if ('error' in message) throw new Refused(message.error);
    yield { line, message };
  }
}

function isMessage(value: unknown): value is StreamMessage {
  if (typeof value !== 'object' || value === null) return false;
  return 'error' in value || ('seq' in value && typeof value.seq === 'number');
}

/** Many commands that lost the same server do not come back at once. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
