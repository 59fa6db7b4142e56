/**
 * A stream of the log over HTTP: as server-sent events (HTML Living Standard, 9.2) or as NDJSON. It is
 * written no faster than it is read: the log waits for the socket, and a reader that stalls is let go.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { FailureLog } from '../api/failure-log.ts';
import { AppError } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import type { StreamEnd } from '../core/follow.ts';
import type { NamedStreamItem } from '../core/listener-names.ts';
import { failedRequest } from './http-caller.ts';
import { jsonText } from './json-text.ts';
import { type Problem, toProblemAnswer } from './problem.ts';
import { eventJson } from './resource-json.ts';

export interface StreamFormat {
  readonly contentType: string;
  event(event: Event, listenerName: string | null): string;
  synced(seq: number): string;
  heartbeat(seq: number): string;
  ended(seq: number, why: StreamEnd): string;
  error(problem: Problem): string;
}

type MakeFormat = (log: string) => StreamFormat;

/** Each id has the log, so that a reader who resumes by itself names it. */
const serverSentEvents: MakeFormat = (log) => {
  const id = (seq: number) => `id: ${seq}:${log}\n`;
  const message = (type: string, data: string) => `event: ${type}\ndata: ${data}\n\n`;
  return {
    contentType: 'text/event-stream; charset=utf-8',
    event: (event, name) => `${id(event.seq)}${message(event.type, eventJson(event, name))}`,
    synced: (seq) => `${id(seq)}${message('synced', `{"seq":${seq}}`)}`,
    // An id without data moves the reader's Last-Event-ID and is no event to it.
    heartbeat: (seq) => `: heartbeat\n${id(seq)}\n`,
    ended: (seq, why) => `${id(seq)}${message('ended', JSON.stringify({ seq, why }))}`,
    error: (problem) => message('error', JSON.stringify(problem)),
  };
};

/** The first line has the log. */
const ndjson: MakeFormat = (log) => {
  let said = `,"log":${JSON.stringify(log)}`;
  const line = (seq: number, name: string, value: string) => {
    const text = `{"seq":${seq}${said},"${name}":${value}}\n`;
    said = '';
    return text;
  };
  return {
    contentType: 'application/x-ndjson',
    event: (event, name) => line(event.seq, 'event', eventJson(event, name)),
    synced: (seq) => line(seq, 'synced', '{}'),
    heartbeat: (seq) => line(seq, 'heartbeat', '{}'),
    ended: (seq, why) => line(seq, 'ended', JSON.stringify({ why })),
    error: (problem) => jsonText({ error: problem }),
  };
};

/** By media type; each for one stream, of that log. */
export const eventFormats: ReadonlyMap<string, MakeFormat> = new Map([
  ['text/event-stream', serverSentEvents],
  ['application/x-ndjson', ndjson],
]);

export interface SendStream {
  readonly items: AsyncGenerator<NamedStreamItem, void, void>;
  /** Aborts when the reader goes away. */
  readonly signal: AbortSignal;
  readonly format: MakeFormat;
  /** How long the reader may take nothing. */
  readonly writeTimeoutMs: number;
  readonly reply: FastifyReply;
  readonly failures: Pick<FailureLog, 'tell'>;
}

/**
 * Resolves when the stream is over. What fails before the first byte is thrown, what fails later is the
 * last that the stream says, with the seq to go on from.
 */
export async function sendStream(options: SendStream): Promise<void> {
  const { items, signal, writeTimeoutMs, reply, failures } = options;
  const { raw: response } = reply;
  let format = options.format('');
  let written: number | undefined;
  try {
    const first = await items.next();
    format = options.format(first.value?.log ?? '');
    begin(reply, format.contentType);
    for (let item = first; item.done !== true; item = await items.next()) {
      for (const { text, seq } of chunks(item.value, format)) {
        written = seq;
        const isTaken = await writeOut(response, text, writeTimeoutMs, signal);
        if (!isTaken) throw stalled(writeTimeoutMs, seq);
      }
    }
  } catch (error) {
    if (!reply.sent) throw error;
    const requestId = reply.request.id;
    failures.tell(error, failedRequest(reply.request, signal.aborted));
    const { problem } = toProblemAnswer(error, requestId);
    const resume = written === undefined ? {} : { resumeAfterSeq: written };
    if (!signal.aborted) response.write(format.error({ ...problem, ...resume }));
  } finally {
    await items.return();
    if (reply.sent) endWithin(response, writeTimeoutMs);
  }
}

/** A reader who takes nothing does not take the end either. */
function endWithin(response: ServerResponse, timeoutMs: number): void {
  const timer = setTimeout(() => response.destroy(), timeoutMs).unref();
  response.once('close', () => clearTimeout(timer));
  response.end();
}

function stalled(timeoutMs: number, seq: number): AppError {
  const message = `the reader took nothing for ${timeoutMs} ms: resume after seq ${seq}`;
  return new AppError('resource_exhausted', message, {
    limit: 'streamWriteTimeoutMs',
    limitValue: timeoutMs,
  });
}

function begin(reply: FastifyReply, contentType: string): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  // Proxies such as nginx would hold events back.
  reply.raw.writeHead(200, { 'content-type': contentType, 'x-accel-buffering': 'no' });
}

const chunkChars = 65_536;

interface Chunk {
  readonly text: string;
  /** Where the stream stands with it. */
  readonly seq: number;
}

/** Many events to a write, so that a page costs few system calls, and a bounded amount to each. */
function* chunks(item: NamedStreamItem, format: StreamFormat): Generator<Chunk, void, void> {
  const { seq } = item;
  if (item.kind !== 'events') {
    const text = item.kind === 'ended' ? format.ended(seq, item.why) : format[item.kind](seq);
    yield { text, seq };
    return;
  }
  let text = '';
  for (const event of item.events) {
    text += format.event(event, item.names.get(event.listenerId) ?? null);
    if (text.length < chunkChars) continue;
    yield { text, seq: event.seq };
    text = '';
  }
  if (text !== '') yield { text, seq };
}

/** Waits until the response takes more; false when that takes too long. */
function writeOut(
  response: ServerResponse,
  text: string,
  timeoutMs: number,
  gone: AbortSignal,
): Promise<boolean> {
  if (gone.aborted || response.write(text)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (isTaken: boolean) => {
      clearTimeout(timer);
      response.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve(isTaken);
    };
    const done = () => settle(true);
    const timer = setTimeout(() => settle(false), timeoutMs);
    response.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
