/** One call of the REST API, by fetch: what is refused is thrown as its problem. */
import { errorOf, UnreachableError } from './errors.ts';
import type { Problem } from './types.ts';

export interface ClientOptions {
  /** Where kodama answers; `KODAMA_URL` by default, else http://127.0.0.1:8080. */
  readonly url?: string;
  /** `KODAMA_API_TOKEN` by default. */
  readonly token?: string;
  /** `KODAMA_PROJECT` by default. */
  readonly project?: string;
}

export interface CallOptions {
  readonly query?: object;
  readonly body?: unknown;
  readonly accept?: string;
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Rest {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, token, project }: ClientOptions) {
    const { env } = process;
    this.url = (url ?? env.KODAMA_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
    const key = token ?? env.KODAMA_API_TOKEN;
    const name = project ?? env.KODAMA_PROJECT;
    this.#headers = {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(name ? { 'kodama-project': name } : {}),
    };
  }

  /** @throws KodamaError what kodama answers, UnreachableError, and what the signal was aborted with */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { query = {}, body, accept, idempotencyKey, signal } = options;
    const headers: Record<string, string> = { ...this.#headers };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (accept !== undefined) headers.accept = accept;
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    const response = await fetch(`${this.url}${path}${queryText(query)}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    }).catch((cause) => {
      signal?.throwIfAborted();
      throw new UnreachableError(`${this.url} does not answer`, { cause });
    });
    if (response.ok) return response;
    throw await refusalOf(response, this.url, signal);
  }

  async json<Body>(method: string, path: string, options: CallOptions = {}): Promise<Body> {
    return (await (await this.call(method, path, options)).json()) as Body;
  }

  /** Every item of a list, as pages are turned. */
  async *items<Item>(path: string, field: string, query: object): AsyncGenerator<Item, void> {
    for (let pageToken: string | undefined; ; ) {
      const page = await this.json<{ nextPageToken?: string }>('GET', path, {
        query: { pageSize: 1000, ...query, pageToken },
      });
      yield* (page as Readonly<Record<string, unknown>>)[field] as Item[];
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return;
    }
  }
}

/** Something between may answer instead of kodama: that is told by its status, and may be that kodama does not answer. */
async function refusalOf(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Error> {
  const { status, statusText } = response;
  const body = (await response.json().catch(() => null)) as Partial<Problem> | null;
  signal?.throwIfAborted();
  const isProblem = typeof body?.code === 'string' && typeof body.detail === 'string';
  if (isProblem) return errorOf(body as Problem);
  const title = `${status} ${statusText}`.trim();
  if (status >= 502 && status <= 504) {
    return new UnreachableError(`${url} is not kodama itself, and says ${title}`);
  }
  const code = 'internal';
  return errorOf({ type: 'about:blank', title, status, detail: title, code, requestId: '' });
}

function queryText(query: object): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) all.append(name, String(one));
    }
  }
  return all.size === 0 ? '' : `?${all}`;
}
