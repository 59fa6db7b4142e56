/**
 * The log as a browser follows it: NDJSON by `fetch`, cut and resumed by seq, so that nothing is lost and nothing comes
 * twice. A hidden page lets its stream go, since a browser has six connections for one origin, and resumes when it is shown.
 */
import type { EventView } from '../http/resources.ts';
import { CallFailure, type Problem, type Query } from './api.ts';

interface Place {
  readonly seq: number;
  /** Of the first item of a stream: which log the seqs are of. */
  readonly log?: string | undefined;
}

export type LogItem =
  | (Place & { readonly kind: 'events'; readonly events: readonly EventView[] })
  /** Everything that was committed when the stream began has come. */
  | (Place & { readonly kind: 'synced' })
  /** The stream was cut, or let go of; it goes on by itself. */
  | { readonly kind: 'waiting'; readonly problem: Problem | null }
  /** What comes next is not what follows what came last: those events are past their retention, or of another log. */
  | { readonly kind: 'expired'; readonly oldestSeq: number }
  /** So much happened since that what comes next is as at the start, and does not follow what came last. */
  | { readonly kind: 'behind' };

/** A line of the stream. */
interface Line extends Partial<Place> {
  readonly event?: EventView;
  readonly synced?: object;
  readonly error?: Problem;
}

export interface FollowLog {
  /** The stream from there. @throws CallFailure */
  readonly open: (start: Query, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  readonly start: Query;
  /** Of the newest event. @throws CallFailure */
  readonly head: (signal: AbortSignal) => Promise<number>;
  /** More than so many events are not made up for. */
  readonly backlogMax: number;
  readonly signal: AbortSignal;
  /** Resolves once the page is shown. */
  readonly shown: (signal: AbortSignal) => Promise<void>;
  /** Resolves once the page is hidden. */
  readonly hidden: (signal: AbortSignal) => Promise<void>;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

const retryMsMin = 500;
const retryMsMax = 10_000;
/**
 * A read costs a browser more than the events that it brings, and a busy log is sent in a hundred pieces a second. At
 * the head, who has read a small piece lets the next ones gather; a large one says that there is more to be read.
 */
const gatherMs = 250;
const smallPieceBytes = 64 * 1024;
/** Of a large piece, such as of the history, so many are a task, and who uses the page has the next. */
const linesAtOnceMax = 250;
/** Those who must be asked for a key, or are asked for by mistake, are not helped by asking again. */
const finalCodes = new Set(['unauthenticated', 'invalid_argument', 'permission_denied']);

/** Until `signal` aborts. @throws CallFailure where to ask again does not help */
export async function* followLog(options: FollowLog): AsyncGenerator<LogItem, void, void> {
  const { signal, shown, delay, head, backlogMax } = options;
  let { start } = options;
  let log: string | undefined;
  let seq: number | null = null;
  let retryMs = retryMsMin;
  while (!signal.aborted) {
    await shown(signal);
    try {
      if (seq !== null && (await head(signal)) - seq > backlogMax) {
        [seq, log, start] = [null, undefined, options.start];
        yield { kind: 'behind' };
      }
      for await (const item of streamOnce({ ...options, start })) {
        log = item.log ?? log;
        seq = item.seq;
        start = { afterSeq: seq, log };
        retryMs = retryMsMin;
        yield item;
      }
      yield { kind: 'waiting', problem: null };
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CallFailure)) throw error;
      const { problem } = error;
      if (finalCodes.has(problem.code)) throw error;
      if (problem.code === 'cursor_expired') {
        const oldestSeq = Number(problem.oldestSeq ?? 1);
        log = undefined;
        // Another log, such as after a restore, is begun as the first one was.
        seq = problem.why === 'log_changed' ? null : oldestSeq - 1;
        start = seq === null ? options.start : { afterSeq: seq };
        yield { kind: 'expired', oldestSeq };
        continue;
      }
      yield { kind: 'waiting', problem };
      await delay(retryMs, signal);
      retryMs = Math.min(retryMs * 2, retryMsMax);
    }
  }
}

type StreamItem = Exclude<LogItem, { kind: 'waiting' | 'expired' | 'behind' }>;

/** One stream, until it is cut, the page is hidden, or all of it is given up. */
async function* streamOnce(options: FollowLog): AsyncGenerator<StreamItem, void, void> {
  const { open, start, signal, hidden, delay } = options;
  const cut = new AbortController();
  const either = AbortSignal.any([signal, cut.signal]);
  const watch = hidden(either).then(() => cut.abort());
  try {
    const body = await open(start, either);
    yield* readItems(body, (ms) => delay(ms, either));
  } catch (error) {
    // A page that was hidden has cut its stream itself.
    if (!cut.signal.aborted || signal.aborted) throw asCut(error);
  } finally {
    cut.abort();
    await watch;
  }
}

function asCut(error: unknown): unknown {
  // What a browser throws where a body ends early.
  if (!(error instanceof TypeError)) return error;
  const detail = 'the stream was cut';
  return new CallFailure({ status: 0, code: 'unreachable', detail }, { cause: error });
}

/** An item for each piece, and not for each event: what has come together is folded together. */
async function* readItems(
  body: ReadableStream<Uint8Array>,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<StreamItem, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let isAtHead = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (let at = 0; at < lines.length; at += linesAtOnceMax) {
        if (at > 0) await pause(0);
        const some = lines.slice(at, at + linesAtOnceMax).map((line) => JSON.parse(line) as Line);
        for (const item of itemsOf(some)) {
          isAtHead ||= item.kind === 'synced';
          yield item;
        }
      }
      if (isAtHead && value.length < smallPieceBytes) await pause(gatherMs);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function* itemsOf(lines: readonly Line[]): Generator<StreamItem, void> {
  let events: EventView[] = [];
  let seq: number | undefined;
  const log = lines.find((line) => line.log !== undefined)?.log;
  for (const line of lines) {
    if (line.error !== undefined) {
      if (seq !== undefined) yield { kind: 'events', events, seq, log };
      throw new CallFailure(line.error);
    }
    if (line.event !== undefined) events.push(line.event);
    // A heartbeat too moves the place to go on from.
    seq = line.seq ?? seq;
    if (line.synced === undefined || seq === undefined) continue;
    if (events.length > 0) yield { kind: 'events', events, seq, log };
    events = [];
    yield { kind: 'synced', seq, log };
  }
  if (seq !== undefined && lines.length > 0) yield { kind: 'events', events, seq, log };
}
