/**
 * What happens, as a person follows it: a line for each listener that comes, fails, changes or goes, and for each
 * connection that opens, closes or is refused, once that is committed.
 *
 * Strangers decide how many connections there are, so a second has a bounded number of lines, whoever knocks. What they
 * send is in none: names and ids are ours, addresses and codes the system's.
 */
import { type Address, formatAddress } from './address.ts';
import type { Connection } from './connection.ts';
import type { EventDraft, ListenerEventType, Refusal } from './event.ts';
import { LineBudget } from './line-budget.ts';
import type { Listener } from './listener.ts';
import type { Logger } from './ports.ts';

export interface ActivityLogOptions {
  readonly logger: Logger;
  /** Of a listener that is not closed; null where it has none. */
  readonly nameOf: (listenerId: string) => string | null;
  /** Whether the log shows what is no warning. */
  readonly isInfoShown: boolean;
  readonly limits: {
    readonly connectionsPerSecondMax: number;
    readonly listenersPerSecondMax: number;
  };
}

export class ActivityLog implements Disposable {
  readonly #options: ActivityLogOptions;
  readonly #connections: LineBudget;
  readonly #listeners: LineBudget;
  #hasBegun = false;

  constructor(options: ActivityLogOptions) {
    const { logger, limits } = options;
    const budget = (perSecondMax: number, message: string) =>
      new LineBudget({ logger, perSecondMax, message });
    this.#options = options;
    this.#connections = budget(limits.connectionsPerSecondMax, 'connections not shown');
    this.#listeners = budget(limits.listenersPerSecondMax, 'listeners not shown');
  }

  /** Before, nothing is told. */
  begin(): void {
    this.#hasBegun = true;
  }

  onCommit({ events }: { readonly events: readonly EventDraft[] }): void {
    if (!this.#hasBegun) return;
    const now = performance.now();
    for (const event of events) {
      if ('listener' in event) this.#tellListener(now, event.type, event.listener);
      else if (this.#options.isInfoShown) this.#tellConnection(now, event);
    }
  }

  #tellListener(now: number, type: ListenerEventType, listener: Listener): void {
    const { logger } = this.#options;
    // A listener that is created listens in the same commit.
    if (type === 'listener_created') return;
    const { id: listenerId, name, protocol, host, port, laddr, reason } = listener;
    const said = listenerWords(type, listener);
    if (!this.#listeners.take(now, said)) return;
    const who = { listener: name ?? listenerId, listenerId };
    const fields = { ...who, protocol, laddr: formatAddress(laddr ?? { ip: host, port }) };
    if (type === 'listener_failed') logger.warn({ ...fields, reason: reason?.message }, said);
    else if (type !== 'listener_closed') logger.info(fields, said);
    else logger.info({ ...fields, connections: listener.totalConnections }, said);
  }

  #tellConnection(now: number, event: Exclude<EventDraft, { listener: Listener }>): void {
    const budget = this.#connections;
    // A half-closed one soon tells more.
    if (event.type === 'connection_opened') {
      if (budget.take(now, 'opened')) this.#tellOpened(event.connection);
    } else if (event.type === 'connection_closed') {
      if (budget.take(now, 'closed')) this.#tellClosed(event.connection);
    } else if (event.type === 'connection_refused') {
      const { listenerId, refusal } = event;
      if (budget.take(now, 'refused', refusal.count)) this.#tellRefused(listenerId, refusal);
    }
  }

  #tellOpened(connection: Connection): void {
    const { declaredRaddr } = connection;
    const declared = declaredRaddr === null ? {} : { declaredRaddr: formatAddress(declaredRaddr) };
    this.#options.logger.info({ ...this.#whose(connection), ...declared }, 'connected');
  }

  #tellClosed(connection: Connection): void {
    const { acceptedAt, closedAt, bytesIn, bytesOut, error } = connection;
    const { closeReason: reason, closeInitiator: initiator } = connection;
    const durationMs = Math.round(((closedAt ?? acceptedAt) - acceptedAt) / 1000);
    const how = { reason, initiator, ...(error !== null && { error }) };
    const fields = { ...this.#whose(connection), ...how, bytesIn, bytesOut, durationMs };
    this.#options.logger.info(fields, 'disconnected');
  }

  #tellRefused(listenerId: string, { raddr, rule, count }: Refusal): void {
    const fields = { ...this.#who(listenerId), ...from(raddr), rule, count };
    this.#options.logger.info(fields, 'refused');
  }

  #whose({ id: connectionId, listenerId, raddr }: Connection) {
    return { ...this.#who(listenerId), connectionId, ...from(raddr) };
  }

  #who(listenerId: string) {
    return { listener: this.#options.nameOf(listenerId) ?? listenerId, listenerId };
  }

  /** Tells how much was not shown in this last second. */
  [Symbol.dispose](): void {
    this.#listeners[Symbol.dispose]();
    this.#connections[Symbol.dispose]();
  }
}

/** Null is that of a peer that was gone before it could be asked for. */
function from(raddr: Address | null) {
  return raddr === null ? {} : { raddr: formatAddress(raddr) };
}

function listenerWords(type: ListenerEventType, { state, createdAt, updatedAt }: Listener): string {
  if (type === 'listener_listening') {
    return createdAt === updatedAt ? 'listening' : 'listening again';
  }
  if (type === 'listener_failed') return 'cannot listen';
  if (type === 'listener_closed') return 'closed';
  return state === 'draining' ? 'draining' : 'changed';
}
