/** The calls of the page: its own origin, the key of its tab, and the API's own problem where a call is refused. */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';

/** What a refused call answers (RFC 9457), as far as the page acts on it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly [member: string]: unknown;
}

/** A call that was answered with a problem, or with nothing at all: then its code is `unreachable`. */
export class CallFailure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.problem = problem;
  }
}

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

export interface Ask {
  readonly query?: Query;
  readonly body?: unknown;
  readonly accept?: string;
  readonly idempotencyKey?: string;
  /** Another key than that of the tab, to try it: for its own project, whichever the URL names. */
  readonly key?: string;
  readonly signal?: AbortSignal;
}

export interface ApiOptions {
  /** Keeps the key for as long as the tab lives. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** Whose things are asked for; null is the caller's own. */
  readonly project: ReadonlySignal<string | null>;
}

const keyName = 'kodama-key';

export class Api {
  /** Null where none was given. */
  readonly key: Signal<string | null>;
  /** Whether a call was refused for want of a key, and none has come since. */
  readonly isKeyWanted = signal(false);
  /** Why the key of the tab was refused. */
  readonly refusal: Signal<Problem | null> = signal(null);
  /** Changes with each key that is given or taken back, be it the same one again. */
  readonly session = signal(0);
  readonly #storage: ApiOptions['storage'];
  readonly #project: ApiOptions['project'];

  constructor({ storage, project }: ApiOptions) {
    this.#storage = storage;
    this.#project = project;
    this.key = signal(storage.getItem(keyName));
  }

  signIn(key: string): void {
    this.#storage.setItem(keyName, key);
    batch(() => {
      this.key.value = key;
      this.isKeyWanted.value = false;
      this.refusal.value = null;
      this.session.value++;
    });
  }

  signOut(): void {
    this.#storage.removeItem(keyName);
    batch(() => {
      this.key.value = null;
      this.isKeyWanted.value = true;
      this.refusal.value = null;
      this.session.value++;
    });
  }

  async get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
    return await this.call('GET', path, { query, ...(signal && { signal }) });
  }

  /** The body of the answer; undefined where it has none. @throws CallFailure */
  async call<Answer>(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const response = await this.send(method, path, ask);
    const text = await response.text().catch(throwUnreachable);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  /** The answer of a call that was not refused, its body unread. @throws CallFailure */
  async send(method: string, path: string, ask: Ask = {}): Promise<Response> {
    const { query = {}, body, accept = 'application/json', idempotencyKey, signal } = ask;
    const key = ask.key ?? this.key.value;
    const project = ask.key === undefined ? this.#project.value : null;
    if (key !== null && !sendable.test(key)) this.#refuse(key, strangeKey);
    const response = await fetch(urlOf(path, query), {
      method,
      headers: {
        accept,
        ...(key !== null && { authorization: `Bearer ${key}` }),
        // A header has no room for what no project can be called: the answer is then that of the API.
        ...(project !== null && { 'kodama-project': encodeURIComponent(project) }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    }).catch(throwUnreachable);
    if (response.ok && isOfApi(response)) return response;
    const problem = await problemOf(response);
    if (response.status === 401) this.#refuse(key, problem);
    throw new CallFailure(problem);
  }

  #refuse(key: string | null, problem: Problem): never {
    // Of a key that was taken back meanwhile nothing is concluded about the one that is there now.
    if (key === this.key.value)
      batch(() => {
        this.isKeyWanted.value = true;
        this.refusal.value = key === null ? null : problem;
      });
    throw new CallFailure(problem);
  }
}

/** A path with its query, whose lists are repeated parameters; what is null or undefined is not in it. */
export function urlOf(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value ?? []].flat()) params.append(name, String(one));
  }
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** A browser sends no other signs in a header: no key has them. */
const sendable = /^[\x21-\x7e]+$/;
const strangeKey: Problem = {
  ...{ status: 401, code: 'unauthenticated' },
  detail: 'it has signs that no key has',
};

/** Whatever the API answers with is JSON, or lines of it; what is done, or will be, may have no body. */
function isOfApi({ status, headers }: Response): boolean {
  const type = headers.get('content-type');
  return status === 204 || (status === 202 && type === null) || type?.includes('json') === true;
}

/** The page went away, or gave up: that is no answer of anybody's. */
function throwUnreachable(error: unknown): never {
  if (error instanceof DOMException && error.name === 'AbortError') throw error;
  const detail = 'kodama is not reachable';
  throw new CallFailure({ status: 0, code: 'unreachable', detail }, { cause: error });
}

/** What stands before kodama, such as a proxy, may answer in words of its own. */
async function problemOf(response: Response): Promise<Problem> {
  const { status, statusText } = response;
  const fallback = { status, code: 'unknown', detail: `${status} ${statusText}`.trim() };
  if (!response.headers.get('content-type')?.includes('json')) return fallback;
  const answer: unknown = await response.json().catch(() => null);
  return { ...fallback, ...(answer as Partial<Problem> | null) };
}

/** The key in `#key=…`, as `kodama ui` gives it; a fragment goes to no server and into no log of one. */
export function keyOfFragment(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('key') || null;
}
