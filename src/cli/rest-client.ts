/**
 * REST as the command speaks it: what is not answered with success is thrown as the API's own problem, and whoever
 * cannot be reached as `Unreachable`. Nothing is asked twice here, but by who is patient.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import type {
  joinTokenResource,
  nodeResource,
  toldJoinTokenResource,
} from '../http/fleet-resources.ts';
import type {
  connectionResource,
  eventResource,
  listenerResource,
  Shown,
  statusResource,
} from '../http/resources.ts';
import type {
  auditEntryResource,
  keyResource,
  ownProjectResource,
  projectResource,
  quotaResource,
  toldKeyResource,
} from '../http/tenancy-resources.ts';
import { type Patience, type PatienceOptions, patience } from '../listeners-file/patience.ts';
import { notKodama, parseJson, refusal } from './answer.ts';
import { causeText, isHungUp, speaksTls, tlsText } from './broken-call.ts';
import { type CommandFailure, type ProblemLike, Refused, Unreachable } from './failure.ts';

export type Listener = Shown<typeof listenerResource>;
export type Connection = Shown<typeof connectionResource>;
export type Event = Shown<typeof eventResource>;
export type Status = Shown<typeof statusResource>;
export type Project = Shown<typeof projectResource>;
export type OwnProject = Shown<typeof ownProjectResource>;
export type Key = Shown<typeof keyResource>;
export type ToldKey = Shown<typeof toldKeyResource>;
export type Node = Shown<typeof nodeResource>;
export type JoinToken = Shown<typeof joinTokenResource>;
export type ToldJoinToken = Shown<typeof toldJoinTokenResource>;
export type AuditEntry = Shown<typeof auditEntryResource>;
export type Quota = Shown<typeof quotaResource>;
export type Lists = {
  readonly listeners: Listener;
  readonly connections: Connection;
  readonly events: Event;
  readonly projects: Project;
  readonly keys: Key;
  readonly entries: AuditEntry;
  readonly nodes: Node;
  readonly joinTokens: JoinToken;
};
/** Of a list that is not at a path of its name. */
const listPaths: Partial<Record<keyof Lists, string>> = {
  entries: '/v1/audit',
  joinTokens: '/v1/join-tokens',
};

/** Where a stream stands; the first line of one has the log that it is of. */
interface StreamPlace {
  readonly seq: number;
  readonly log?: string;
}

/** A line of a stream of the log. */
export type StreamMessage =
  | (StreamPlace & { readonly event: Event })
  | (StreamPlace & { readonly synced: object })
  | (StreamPlace & { readonly heartbeat: object })
  | { readonly error: ProblemLike };

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

interface Ask {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** How long the other side may say nothing. */
  readonly silenceMs?: number;
}

export interface RestClientOptions {
  readonly url: string;
  /** What alone may vouch for its certificate, as PEM; null: the authorities that Node knows. */
  readonly ca: string | null;
  readonly token: string | null;
  readonly project: string | null;
}

const silenceMsDefault = 60_000;
/** Streams have a heartbeat every 15 s. */
const streamSilenceMs = 45_000;
/** The status of what is done later. */
const accepted = 202;
/** The most that a page may have. */
const pageSizeMax = 1000;

export class RestClient {
  readonly url: string;
  readonly #ca: string | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: RestClientOptions;
  readonly #patient: Patience;
  /** Of all that come of one: the first answer that no kodama has given. */
  readonly #strange: { answer: CommandFailure | null };

  constructor(
    options: RestClientOptions,
    patient: Patience = (ask) => ask(),
    strange: { answer: CommandFailure | null } = { answer: null },
  ) {
    this.#strange = strange;
    const { url, ca, token, project } = options;
    this.#options = options;
    this.#patient = patient;
    // Each path begins with /v1, which an address of the API may end in.
    this.url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#ca = ca ?? undefined;
    this.#headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(project === null ? {} : { 'kodama-project': project }),
    };
  }

  /** It waits where it is too fast for its project: what is refused so was not begun. */
  patient(waiting: Omit<PatienceOptions, 'isPassing'>): RestClient {
    const isPassing = (error: unknown) => error instanceof Refused && error.isTooFast;
    return new RestClient(this.#options, patience({ ...waiting, isPassing }), this.#strange);
  }

  /** Why nobody could read what was answered; null where a kodama has answered all, as far as that shows. */
  get strangeAnswer(): CommandFailure | null {
    return this.#strange.answer;
  }

  get isKeyed(): boolean {
    return 'authorization' in this.#headers;
  }

  /** The body of the answer; undefined where it has none. */
  async call<Answer>(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const response = await this.#send(method, path, 'application/json', ask);
    const text = await this.#textOf(response);
    return (text === '' ? undefined : parseJson(text, this.url)) as Answer;
  }

  /** Whether it is gone: a listener whose node is away is closed once that is back. */
  async delete(path: string, ask: Ask = {}): Promise<boolean> {
    const response = await this.#send('DELETE', path, 'application/json', ask);
    await this.#textOf(response);
    return response.statusCode !== accepted;
  }

  get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
    return this.call('GET', path, { query, signal });
  }

  /** All that match, page by page, up to `limit` of them. */
  async list<Name extends keyof Lists>(
    name: Name,
    query: Query,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly items: readonly Lists[Name][]; readonly isCut: boolean }> {
    const items: Lists[Name][] = [];
    for (let pageToken: string | undefined; ; ) {
      const pageSize = Math.min(limit - items.length, pageSizeMax);
      const page = await this.get<
        Readonly<Record<Name, readonly Lists[Name][]>> & { readonly nextPageToken?: string }
      >(listPaths[name] ?? `/v1/${name}`, { ...query, pageSize, pageToken });
      items.push(...page[name]);
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return { items, isCut: false };
      if (items.length >= limit) return { items, isCut: true };
    }
  }

  /** Each whole line of a stream, without its end. */
  async *lines(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<string> {
    const ask = { query, signal, silenceMs: streamSilenceMs };
    const response = await this.#send('GET', path, 'application/x-ndjson', ask);
    let rest = '';
    for await (const text of this.#parts(response)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  async #send(method: string, path: string, accept: string, ask: Ask): Promise<IncomingMessage> {
    return await this.#patient(() => this.#sendOnce(method, path, accept, ask));
  }

  async #sendOnce(
    method: string,
    path: string,
    accept: string,
    { query = {}, body, signal, silenceMs = silenceMsDefault }: Ask,
  ): Promise<IncomingMessage> {
    const json = body === undefined ? null : JSON.stringify(body);
    const headers = {
      ...this.#headers,
      accept: `${accept}, application/problem+json`,
      ...(json === null
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
    };
    const options: RequestOptions = { method, headers, signal, agent: false, ca: this.#ca };
    const url = new URL(`${this.url}${path}${queryText(query)}`);
    const response = await this.#exchange(url, options, json, silenceMs);
    const { statusCode = 0 } = response;
    // Each answer of a kodama has it; a proxy may take it away, so that alone is no failure.
    if (!('x-request-id' in response.headers))
      this.#strange.answer ??= notKodama(statusCode, this.url);
    if (statusCode >= 200 && statusCode < 300) return response;
    throw refusal(statusCode, await this.#textOf(response), this.url);
  }

  async #exchange(
    url: URL,
    options: RequestOptions,
    body: string | null,
    silenceMs: number,
  ): Promise<IncomingMessage> {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const asked = request(url, options, resolve);
    asked.setTimeout(silenceMs, () =>
      asked.destroy(new Error(`it said nothing for ${silenceMs / 1000} s`)),
    );
    asked.on('error', reject);
    asked.end(body ?? undefined);
    try {
      return await promise;
    } catch (error) {
      const isTls = isHungUp(error) && url.protocol === 'http:' && (await speaksTls(url));
      throw isTls ? new Unreachable(this.url, tlsText, { code: 'EPROTO' }) : this.#broken(error);
    }
  }

  async #textOf(response: IncomingMessage): Promise<string> {
    let text = '';
    for await (const part of this.#parts(response)) text += part;
    return text;
  }

  async *#parts(response: IncomingMessage): AsyncGenerator<string> {
    response.setEncoding('utf8');
    try {
      yield* response as AsyncIterable<string>;
    } catch (error) {
      throw this.#broken(error);
    }
  }

  /** What a caller has aborted stays what it is. */
  #broken(error: unknown): unknown {
    if (!(error instanceof Error) || error.name === 'AbortError') return error;
    return new Unreachable(this.url, causeText(error), error);
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const each of values) parameters.append(name, String(each));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}
