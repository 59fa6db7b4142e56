/** REST as a script would use it: one call, the status and the parsed body. */
import { expect } from 'vitest';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
  readonly body: any;
}

const timeoutMs = 30_000;

/** Where REST is, and what each call there shows of its caller. */
export interface RestApi {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function call(
  app: RestApi,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const own = { ...app.headers, ...headers };
  const response = await fetch(app.url + path, {
    method,
    headers: body === undefined ? own : { 'content-type': 'application/json', ...own },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body:
      isJson && !/ndjson/.test(response.headers.get('content-type') ?? '')
        ? JSON.parse(text)
        : text,
  };
}

/** As call, and the status must be as expected. */
export async function want(
  status: number,
  ...args: Parameters<typeof call>
): Promise<Reply['body']> {
  const reply = await call(...args);
  const told = reply.status === status ? '' : JSON.stringify(reply.body);
  expect(reply, `${args[1]} ${args[2]} ${told}`).toMatchObject({ status });
  return reply.body;
}

/** Every item of a list, page by page. */
export async function all(
  app: RestApi,
  path: string,
  field: 'listeners' | 'connections' | 'events',
): Promise<Reply['body'][]> {
  const items: Reply['body'][] = [];
  const join = path.includes('?') ? '&' : '?';
  for (let token = ''; ; ) {
    const query = `pageSize=1000${token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`}`;
    const page = await want(200, app, 'GET', `${path}${join}${query}`);
    items.push(...page[field]);
    if (page.nextPageToken === undefined) return items;
    token = page.nextPageToken;
  }
}
