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
  readonly #host: string | null | undefined;

  /** `host` is where it is reached, null where that is not known; by default it is on the node of the kodama that answers. */
  constructor(kodama: Kodama, resource: Listener, host?: string | null) {
    this.#kodama = kodama;
    this.resource = resource;
    this.#host = host;
  }

  get id(): string {
    return this.resource.id;
  }

  /**
   * Where to connect to: of a listener on all addresses the host of kodama, or an address of the other node that it is on.
   * @throws TypeError where no address of that node is known
   */
  get host(): string {
    const { ip } = this.#laddr;
    const host = this.#host === undefined ? hostHere(ip, this.#kodama.url) : this.#host;
    if (host !== null) return host;
    const { id, nodeName } = this.resource;
    throw new TypeError(
      `no address is known of the node ${nodeName}, which has the listener ${id}`,
    );
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

  /** Its whole log, or from where the query says, and what comes, without a gap. */
  events(query: Own<EventsQuery> = {}, options: FollowOptions = {}): AsyncGenerator<Event, void> {
    const { afterSeq, since, last, fromNow } = query;
    const isPlaced = (afterSeq ?? since ?? last ?? fromNow) !== undefined;
    const start = isPlaced ? {} : { afterSeq: 0 };
    return this.#kodama.events({ ...query, ...start, listenerId: [this.id] }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kodama.deleteListener(this.id);
  }
}
