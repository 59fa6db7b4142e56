/** A stream of events over HTTP, as its readers see it. */
import { expect } from 'vitest';

export interface StreamOptions {
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Text of the stream as it comes; the status must be 200. */
async function* text(url: string, accept: string, options: StreamOptions): AsyncGenerator<string> {
  const response = await fetch(url, {
    headers: { accept, ...options.headers },
    signal: options.signal ?? AbortSignal.timeout(30_000),
  });
  expect(response.status, url).toBe(200);
  expect(response.headers.get('content-type')).toContain(accept);
  const { body } = response;
  if (body === null) return;
  const decoder = new TextDecoder();
  for await (const part of body) yield decoder.decode(part, { stream: true });
}

async function* split(parts: AsyncIterable<string>, separator: string): AsyncGenerator<string> {
  let rest = '';
  for await (const part of parts) {
    const pieces = (rest + part).split(separator);
    rest = pieces.pop() ?? '';
    yield* pieces;
  }
  expect(rest).toBe('');
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
type Any = any;

/** Each line of an NDJSON stream. */
export async function* ndjson(url: string, options: StreamOptions = {}): AsyncGenerator<Any> {
  for await (const line of split(text(url, 'application/x-ndjson', options), '\n')) {
    yield JSON.parse(line);
  }
}

export interface SseMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Any;
  readonly comment?: string;
}

/** Each message of a stream of server-sent events. */
export async function* serverSent(
  url: string,
  options: StreamOptions = {},
): AsyncGenerator<SseMessage> {
  for await (const message of split(text(url, 'text/event-stream', options), '\n\n')) {
    const fields = message.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [colon === 0 ? 'comment' : line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const { data, ...rest }: Record<string, string> = Object.fromEntries(fields);
    yield data === undefined ? rest : { ...rest, data: JSON.parse(data) };
  }
}

/** The items up to the first that fits, which is the last. */
export async function until<Item>(
  items: AsyncIterator<Item>,
  fits: (item: Item) => unknown,
): Promise<Item[]> {
  const taken: Item[] = [];
  for (;;) {
    const { value, done } = await items.next();
    if (done === true) throw new Error(`the stream ended after ${JSON.stringify(taken)}`);
    taken.push(value);
    if (fits(value)) return taken;
  }
}

/** All items, to the end. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}
