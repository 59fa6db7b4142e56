/**
 * A stream of the log over HTTP: as server-sent events (HTML Living Standard, 9.2) or as NDJSON. It is
 * written no faster than it is read: the log waits for the socket, and a reader that stalls is let go.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Event } from '../core/event.ts';
import type { FollowRequest, StreamItem } from '../core/follow.ts';
import type { Control } from './edge.ts';
import { isInternal, type Problem, toRefusal } from './problem.ts';
import { eventView } from './views.ts';

export interface StreamFormat {
  readonly contentType: string;
  event(event: Event): string;
  synced(seq: number): string;
  heartbeat(seq: number): string;
  error(problem: Problem): string;
}

const serverSentEvents: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  event: (event) => message(event.type, eventView(event), event.seq),
  synced: (seq) => message('synced', { seq }, seq),
  // An id without data moves the reader's Last-Event-ID and is no event to it.
  heartbeat: (seq) => `: heartbeat\nid: ${seq}\n\n`,
  error: (problem) => message('error', problem),
};

function message(type: string, data: object, seq?: number): string {
  const id = seq === undefined ? '' : `id: ${seq}\n`;
  return `${id}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const ndjson: StreamFormat = {
  contentType: 'application/x-ndjson',
  event: (event) => line({ seq: event.seq, event: eventView(event) }),
  synced: (seq) => line({ seq, synced: {} }),
  heartbeat: (seq) => line({ seq, heartbeat: {} }),
  error: (problem) => line({ error: problem }),
};

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** By media type. */
export const eventFormats: ReadonlyMap<string, StreamFormat> = new Map([
  ['text/event-stream', serverSentEvents],
  ['application/x-ndjson', ndjson],
]);

export interface SendStream {
  readonly control: Pick<Control, 'followEvents'>;
  readonly request: Omit<FollowRequest, 'signal'>;
  readonly format: StreamFormat;
  /** How long the reader may take nothing. */
  readonly writeTimeoutMs: number;
  readonly reply: FastifyReply;
}

/**
 * Resolves when the stream is over. What fails before the first byte is thrown, what fails later is the
 * last that the stream says.
 */
export async function sendStream(options: SendStream): Promise<void> {
  const { control, request, format, writeTimeoutMs, reply } = options;
  const { raw: response } = reply;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const items = control.followEvents({ ...request, signal: gone.signal });
  try {
    const first = await items.next();
    begin(reply, format.contentType);
    const write = (text: string) => writeOut(response, text, writeTimeoutMs, gone.signal);
    for (let item = first; item.done !== true; item = await items.next()) {
      for (const text of chunks(item.value, format)) await write(text);
    }
  } catch (error) {
    if (!reply.sent) throw error;
    if (isInternal(error)) reply.log.error({ err: error }, 'a stream failed');
    if (!gone.signal.aborted)
      response.write(format.error(toRefusal(error, reply.request.id).problem));
  } finally {
    await items.return();
    if (reply.sent) response.end();
  }
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

/** Many events to a write, so that a page costs few system calls, and a bounded amount to each. */
function* chunks(item: StreamItem, format: StreamFormat): Generator<string, void, void> {
  if (item.kind !== 'events') {
    yield item.kind === 'synced' ? format.synced(item.seq) : format.heartbeat(item.seq);
    return;
  }
  let text = '';
  for (const event of item.events) {
    text += format.event(event);
    if (text.length < chunkChars) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Waits until the response takes more; destroys it when that takes too long. */
function writeOut(
  response: ServerResponse,
  text: string,
  timeoutMs: number,
  gone: AbortSignal,
): Promise<void> {
  if (gone.aborted || response.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      response.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(() => response.destroy(), timeoutMs);
    response.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
