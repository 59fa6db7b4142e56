/** One call of the REST API, by fetch: what is refused is thrown as its problem. */
import { errorOf, KodamaError, UnreachableError } from './errors.ts';
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
  /** For all of the answer; none by default. */
  readonly timeoutMs?: number;
}

export class Rest {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws TypeError for what can never be sent, which no repeat would mend */
  constructor({ url, token, project }: ClientOptions) {
    const { env } = process;
    // An empty one counts as absent. The command has the same rules.
    this.url = baseOf(url || env.KODAMA_URL || 'http://127.0.0.1:8080');
    const key = token ?? env.KODAMA_API_TOKEN;
    const name = project ?? env.KODAMA_PROJECT;
    this.#headers = {
      ...(key ? { authorization: `Bearer ${visible('token, or KODAMA_API_TOKEN', key)}` } : {}),
      ...(name ? { 'kodama-project': visible('project, or KODAMA_PROJECT', name) } : {}),
    };
  }

  /** @throws KodamaError what kodama answers, UnreachableError, TypeError, and what the signal was aborted with */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { query = {}, body, accept, idempotencyKey } = options;
    const headers: Record<string, string> = { ...this.#headers };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (accept !== undefined) headers.accept = accept;
    if (idempotencyKey !== undefined) {
      headers['idempotency-key'] = visible('idempotencyKey', idempotencyKey);
    }
    const signal = signalOf(options);
    const response = await fetch(`${this.url}${path}${queryText(query)}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    }).catch((cause) => {
      throw this.#broken('does not answer', cause, options);
    });
    if (response.ok) return response;
    throw await this.#refusalOf(response, options);
  }

  async json<Body>(method: string, path: string, options: CallOptions = {}): Promise<Body> {
    const response = await this.call(method, path, options);
    return this.parsed<Body>(response, await this.#textOf(response, options));
  }

  /** @throws KodamaError where it is no JSON: who answers so is no kodama */
  parsed<Body>(response: Response, text: string): Body {
    try {
      return JSON.parse(text) as Body;
    } catch (cause) {
      throw strangerOf(response, `${this.url} answers no JSON: is it a kodama?`, cause);
    }
  }

  /** What a call that broke is told as. @throws what the signal was aborted with */
  #broken(what: string, cause: unknown, { signal }: CallOptions): UnreachableError {
    signal?.throwIfAborted();
    return new UnreachableError(`${this.url} ${what}`, { cause });
  }

  /** Something between may answer instead of kodama: that is told by its status, and may be that kodama does not answer. */
  async #refusalOf(response: Response, options: CallOptions): Promise<Error> {
    const { status, statusText } = response;
    const body = problemOf(await this.#textOf(response, options));
    if (body !== null) return errorOf(body);
    const title = `${status} ${statusText}`.trim();
    if (status >= 502 && status <= 504) {
      return new UnreachableError(`${this.url} is not kodama itself, and says ${title}`);
    }
    return strangerOf(response, title);
  }

  async #textOf(response: Response, options: CallOptions): Promise<string> {
    return await response.text().catch((cause) => {
      throw this.#broken('was cut off in its answer', cause, options);
    });
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

/** Each path begins with /v1, which the URL may end in. */
function baseOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`url, or KODAMA_URL: ${given} is no URL such as http://127.0.0.1:8080`);
  }
  // Its password is left out of the message.
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('url, or KODAMA_URL: it holds no name and password: a key is the token');
  }
  if (/[?#]/.test(url.href)) {
    throw new TypeError(`url, or KODAMA_URL: ${given} has a query or a fragment, and takes none`);
  }
  return url.href.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/** As a header takes it. */
function visible(name: string, text: string): string {
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new TypeError(`${name}: must be 1 to 512 visible ASCII characters`);
}

function signalOf({ signal, timeoutMs }: CallOptions): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const limit = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

function problemOf(text: string): Problem | null {
  try {
    const body = JSON.parse(text) as Partial<Problem> | null;
    const isProblem = typeof body?.code === 'string' && typeof body.detail === 'string';
    return isProblem ? (body as Problem) : null;
  } catch {
    return null;
  }
}

/** Of an answer that is not kodama's. */
function strangerOf(
  { status, statusText }: Response,
  detail: string,
  cause?: unknown,
): KodamaError {
  const title = `${status} ${statusText}`.trim();
  const about = { type: 'about:blank', title, status, detail, requestId: '' };
  return new KodamaError({ ...about, code: 'internal' }, { cause });
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
