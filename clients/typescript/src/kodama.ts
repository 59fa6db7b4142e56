/** The client: listeners, the record of their connections, the log, and waits for what should be on record. */
import { EchoListener } from './echo-listener.ts';
import { type FollowOptions, follow } from './events.ts';
import { hostOf } from './listener-host.ts';
import { type ClientOptions, Rest } from './rest.ts';
import type {
  Connection,
  ConnectionsMet,
  ConnectionsQuery,
  ConnectionsWait,
  Event,
  EventsMet,
  EventsQuery,
  EventsWait,
  Listener,
  ListenerPatch,
  ListenersQuery,
  NewListener,
  NewListeners,
  Status,
} from './types.ts';
import { wait } from './wait.ts';

export interface CreateOptions {
  /** A repeat under the same key is done once. */
  readonly idempotencyKey?: string;
}

/** All of it @throws KodamaError as kodama answers, and UnreachableError. */
export class Kodama {
  readonly #rest: Rest;

  constructor(options: ClientOptions = {}) {
    this.#rest = new Rest(options);
  }

  get url(): string {
    return this.#rest.url;
  }

  status(): Promise<Status> {
    return this.#rest.json('GET', '/v1/status');
  }

  /** A listener that goes when it is disposed of: `await using listener = await kodama.listen()`. */
  async listen(spec: NewListener = {}, options: CreateOptions = {}): Promise<EchoListener> {
    const listener = await this.createListener(spec, options);
    return new EchoListener(this, listener, await hostOf(this.#rest, listener));
  }

  createListener(spec: NewListener = {}, options: CreateOptions = {}): Promise<Listener> {
    return this.#rest.json('POST', '/v1/listeners', { body: spec, ...options });
  }

  /** All of them, or none. */
  async createListeners(specs: NewListeners, options: CreateOptions = {}): Promise<Listener[]> {
    const call = { body: specs, ...options };
    const made = await this.#rest.json<{ listeners: Listener[] }>(
      ...(['POST', '/v1/listeners:batch', call] as const),
    );
    return made.listeners;
  }

  /** By id or name. */
  getListener(listener: string): Promise<Listener> {
    return this.#rest.json('GET', `/v1/listeners/${encodeURIComponent(listener)}`);
  }

  updateListener(listener: string, patch: ListenerPatch): Promise<Listener> {
    const path = `/v1/listeners/${encodeURIComponent(listener)}`;
    return this.#rest.json('PATCH', path, { body: patch });
  }

  async deleteListener(listener: string, query: { drainMs?: number } = {}): Promise<void> {
    await this.#rest.call('DELETE', `/v1/listeners/${encodeURIComponent(listener)}`, { query });
  }

  listeners(query: ListenersQuery = {}): AsyncGenerator<Listener, void> {
    return this.#rest.items('/v1/listeners', 'listeners', query);
  }

  /** The history, newest first. */
  connections(query: ConnectionsQuery = {}): AsyncGenerator<Connection, void> {
    return this.#rest.items('/v1/connections', 'connections', query);
  }

  getConnection(id: string): Promise<Connection> {
    return this.#rest.json('GET', `/v1/connections/${encodeURIComponent(id)}`);
  }

  closeConnection(id: string, mode: 'fin' | 'rst' = 'fin'): Promise<Connection> {
    const path = `/v1/connections/${encodeURIComponent(id)}:close`;
    return this.#rest.json('POST', path, { body: { mode } });
  }

  /** What was, from where the query says (`afterSeq`, `since`, `last`; else from now on), and then what comes. */
  events(query: EventsQuery = {}, options: FollowOptions = {}): AsyncGenerator<Event, void> {
    return follow(this.#rest, query, options);
  }

  /**
   * Resolves when what matches is on record: what was before the call counts.
   * @throws NotMetError when it is not, or as soon as it can not be any more, with what nearly matched
   */
  wait(query: ConnectionsWait, signal?: AbortSignal): Promise<ConnectionsMet> {
    return wait(this.#rest, '/v1/connections:wait', query, signal);
  }

  /** The same for events: refusals, half-closes, listeners that fail. @throws NotMetError */
  waitForEvents(query: EventsWait, signal?: AbortSignal): Promise<EventsMet> {
    return wait(this.#rest, '/v1/events:wait', query, signal);
  }
}
