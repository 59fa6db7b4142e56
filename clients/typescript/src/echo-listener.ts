/** A listener that belongs to whoever made it: it goes when it is disposed of. */
import type { FollowOptions } from './events.ts';
import type { Kodama } from './kodama.ts';
import { hostHere } from './listener-host.ts';
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
} from './types.ts';

type Own<Query> = Omit<Query, 'listener' | 'listenerId' | 'label'>;

export class EchoListener implements AsyncDisposable {
  readonly #kodama: Kodama;
  /** As it was when it was made. */
  readonly resource: Listener;

  constructor(kodama: Kodama, resource: Listener) {
    this.#kodama = kodama;
    this.resource = resource;
  }

  get id(): string {
    return this.resource.id;
  }

  /** Where to connect to: of a listener on all addresses, the host of kodama. */
  get host(): string {
    return hostHere(this.#laddr.ip, this.#kodama.url);
  }

  get port(): number {
    return this.#laddr.port;
  }

  get #laddr(): { readonly ip: string; readonly port: number } {
    const { laddr, id } = this.resource;
    if (laddr === null) throw new TypeError(`the listener ${id} has no address`);
    return laddr;
  }

  /** @throws NotMetError with what nearly matched */
  wait(query: Own<ConnectionsWait> = {}, signal?: AbortSignal): Promise<ConnectionsMet> {
    return this.#kodama.wait({ ...query, listener: this.id }, signal);
  }

  /** Refusals, half-closes, failures. @throws NotMetError */
  waitForEvents(query: Own<EventsWait> = {}, signal?: AbortSignal): Promise<EventsMet> {
    return this.#kodama.waitForEvents({ ...query, listenerId: [this.id] }, signal);
  }

  connections(query: Own<ConnectionsQuery> = {}): AsyncGenerator<Connection, void> {
    return this.#kodama.connections({ ...query, listener: this.id });
  }

  /** Its whole log and what comes, without a gap. */
  events(query: Own<EventsQuery> = {}, options: FollowOptions = {}): AsyncGenerator<Event, void> {
    return this.#kodama.events({ afterSeq: 0, ...query, listenerId: [this.id] }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kodama.deleteListener(this.id);
  }
}
