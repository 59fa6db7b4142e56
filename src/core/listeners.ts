/**
 * What is done with this node's listeners: create, update, close, expire.
 *
 * - Create: bind, commit, serve. A create that fails leaves nothing behind.
 * - What changes one listener happens one after the other.
 * - The rows in the store follow from the events appended here.
 */
import { AppError, hasCode, invalidField } from './errors.ts';
import type { EventDraft, ListenerEventType } from './event.ts';
import type { EventLog } from './event-log.ts';
import { type Listener, type ListenerPatch, mergeLimits, type NewListener } from './listener.ts';
import { assertPortAllowed, findConflict, type PortRules } from './listener-ports.ts';
import type { ListenerEntry, ListenerSet } from './listener-set.ts';
import type { Binding, Certificates, Clock, DataPlane, Logger, Store } from './ports.ts';
import type { Recorder } from './recorder.ts';

export interface ListenersOptions {
  readonly nodeId: string;
  readonly set: ListenerSet;
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly recorder: Recorder;
  readonly dataPlane: DataPlane;
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: { readonly listenersMax: number; readonly drainMsMax: number };
  readonly portRules: PortRules;
  readonly makeId: () => string;
}

/** The longest that setTimeout can wait. */
const timerMsMax = 2 ** 31 - 1;
const expiryRetryMs = 5000;

export class Listeners {
  readonly #options: ListenersOptions;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /**
   * All or nothing.
   * @throws already_exists, port_in_use, port_reserved, port_privileged, invalid_argument,
   *   resource_exhausted, unavailable
   */
  async create(news: readonly NewListener[]): Promise<readonly Listener[]> {
    const { dataPlane, eventLog } = this.#options;
    this.#assertRoom(news.length);
    const entries: ListenerEntry[] = [];
    try {
      for (const one of news) entries.push(await this.#admit(one));
      const binds = await Promise.allSettled(entries.map((entry) => this.#bind(entry)));
      for (const bind of binds) if (bind.status === 'rejected') throw bind.reason;
      const events = entries.flatMap(({ listener }) => [
        listenerEvent('listener_created', {
          ...listener,
          state: 'pending',
          laddr: null,
          sockets: [],
        }),
        listenerEvent('listener_listening', listener),
      ]);
      const secrets = new Map(entries.map(({ listener, secrets: own }) => [listener.id, own]));
      const onLate = () => this.#undoLate(entries.map((entry) => entry.listener));
      await eventLog.appendCommand(events, { secrets, onLate });
    } catch (error) {
      await Promise.all(entries.map(({ listener }) => this.#forget(listener.id)));
      throw error;
    }
    await Promise.all(entries.map(({ listener }) => dataPlane.serve(listener.id)));
    for (const entry of entries) this.scheduleExpiry(entry);
    return entries.map(({ listener }) => listener);
  }

  #assertRoom(count: number): void {
    const { listenersMax } = this.#options.limits;
    if (this.#options.set.size + count <= listenersMax) return;
    throw new AppError('resource_exhausted', `this node holds at most ${listenersMax} listeners`, {
      limit: 'listenersMax',
      limitValue: listenersMax,
    });
  }

  /** Takes the id, the name and the port, so that no one else gets them meanwhile. */
  async #admit(input: NewListener): Promise<ListenerEntry> {
    const { nodeId, clock, certificates, portRules, recorder, set } = this.#options;
    const now = clock.now();
    this.#assertFuture(input.expiresAt);
    assertPortAllowed(input, portRules);
    await this.#assertNameFree(input.name);
    const tls = input.tls === null ? null : await certificates.prepare(input.tls, input.host);
    const listener: Listener = {
      ...input,
      id: this.#options.makeId(),
      tls: tls?.settings ?? null,
      laddr: null,
      state: 'pending',
      reason: null,
      sockets: [],
      nodeId,
      openConnections: 0,
      totalConnections: 0,
      createdAt: now,
      updatedAt: now,
      closedAt: null,
    };
    // Nothing waits from here on: the checks still hold when the name and the port are taken.
    this.#assertRoom(1);
    if (listener.name !== null && set.hasName(listener.name)) throw nameTaken(listener.name);
    const conflict = findConflict(listener, set.all());
    if (conflict !== null) throw portInUse(listener, conflict.id);
    recorder.startCounting(listener.id, { open: 0, total: 0 });
    return set.add(listener, { tlsKey: tls?.key ?? null });
  }

  #assertFuture(expiresAt: number | null | undefined): void {
    if (expiresAt == null || expiresAt > this.#options.clock.now()) return;
    throw invalidField('expiresAt', 'must lie in the future');
  }

  /** Asks the store too: another node may have the name. */
  async #assertNameFree(name: string | null | undefined): Promise<void> {
    if (name == null) return;
    const { set, store } = this.#options;
    if (set.hasName(name) || (await store.findListener(name)) !== null) throw nameTaken(name);
  }

  async #bind(entry: ListenerEntry): Promise<void> {
    const { listener } = entry;
    try {
      const bound = await this.#options.dataPlane.open(bindingOf(entry));
      entry.listener = { ...listener, ...bound, state: 'listening' };
    } catch (error) {
      if (!hasCode(error, 'port_in_use')) throw error;
      // The kernel may have given this very port to a listener of ours that asked for any.
      const owner = findConflict(listener, this.#options.set.all());
      throw portInUse(listener, owner?.id ?? 'foreign', error);
    }
  }

  /** Takes back what a failed create had begun. */
  async #forget(id: string): Promise<void> {
    const { set, recorder, dataPlane } = this.#options;
    await dataPlane.close(id, { drainMs: 0, reason: 'listener_deleted' });
    set.remove(id);
    recorder.endCounting(id);
  }

  /** The caller was told that the create failed, and then it landed. */
  #undoLate(listeners: readonly Listener[]): void {
    const { clock, eventLog, logger } = this.#options;
    const now = clock.now();
    const end = { state: 'closed', sockets: [], closedAt: now, updatedAt: now } as const;
    const events = listeners.map((one) => listenerEvent('listener_closed', { ...one, ...end }));
    eventLog
      .append(events)
      .catch((err: unknown) => logger.error({ err }, 'a late create stays open'));
  }

  /** @throws not_found, already_exists, invalid_argument, unavailable */
  async update(id: string, patch: ListenerPatch): Promise<Listener> {
    const { clock, dataPlane, eventLog, set } = this.#options;
    return await set.inTurn(id, async (entry) => {
      const { name, limits, faults } = entry.listener;
      this.#assertFuture(patch.expiresAt);
      const isRenamed = patch.name !== undefined && patch.name !== name;
      if (isRenamed) await this.#assertNameFree(patch.name);
      const given = Object.entries(patch).filter(([, value]) => value !== undefined);
      const change: Partial<Listener> = {
        ...Object.fromEntries(given),
        limits: mergeLimits(limits, patch.limits ?? {}),
        updatedAt: clock.now(),
      };
      const after = { ...entry.listener, ...change };
      const isBound = after.state === 'listening' || after.state === 'draining';
      if (isBound) await dataPlane.update(id, after);
      try {
        await eventLog.appendCommand([listenerEvent('listener_updated', this.counted(after))]);
      } catch (error) {
        if (isBound) await dataPlane.update(id, { limits, faults });
        throw error;
      }
      // Meanwhile a worker may have been replaced: only what was changed is taken over.
      entry.listener = { ...entry.listener, ...change };
      if (isRenamed) set.rename(id, name, patch.name ?? null);
      this.scheduleExpiry(entry);
      return this.counted(entry.listener);
    });
  }

  /**
   * Resolves when the port is free and the end of it is committed. Idempotent.
   * @throws unavailable
   */
  async close(id: string, drainMs: number): Promise<void> {
    const { clock, dataPlane, eventLog, recorder, set, limits } = this.#options;
    if (set.get(id) === null) return;
    await set.inTurn(id, async (entry) => {
      const drain = Math.min(drainMs, limits.drainMsMax);
      if (drain > 0) {
        entry.listener = { ...entry.listener, state: 'draining', updatedAt: clock.now() };
        const draining = listenerEvent('listener_updated', this.counted(entry.listener));
        await eventLog.appendCommand([draining]);
      }
      await dataPlane.close(id, { drainMs: drain, reason: 'listener_deleted' });
      const now = clock.now();
      const end = {
        state: 'closed',
        reason: null,
        sockets: [],
        closedAt: now,
        updatedAt: now,
      } as const;
      // Its connections' records were passed on before: they come before it in the log.
      const closed = listenerEvent('listener_closed', { ...this.counted(entry.listener), ...end });
      await eventLog.appendCommand([closed]);
      set.remove(id);
      recorder.endCounting(id);
    });
  }

  /** The listener with its counts as they are now. */
  counted(listener: Listener): Listener {
    const { open, total } = this.#options.recorder.counts(listener.id);
    return { ...listener, openConnections: open, totalConnections: total };
  }

  scheduleExpiry(entry: ListenerEntry): void {
    if (entry.expiry !== null) clearTimeout(entry.expiry);
    const { expiresAt } = entry.listener;
    if (expiresAt === null) return;
    const remainingMs = Math.max(0, (expiresAt - this.#options.clock.now()) / 1000);
    const isFar = remainingMs > timerMsMax;
    const expire = () => (isFar ? this.scheduleExpiry(entry) : this.#expire(entry));
    entry.expiry = setTimeout(expire, Math.min(remainingMs, timerMsMax)).unref();
  }

  #expire(entry: ListenerEntry): void {
    const { id } = entry.listener;
    this.close(id, 0).catch((err: unknown) => {
      if (hasCode(err, 'not_found')) return;
      this.#options.logger.warn(
        { err, listenerId: id },
        'a listener could not expire; trying again',
      );
      entry.expiry = setTimeout(() => this.#expire(entry), expiryRetryMs).unref();
    });
  }
}

export function listenerEvent(type: ListenerEventType, listener: Listener): EventDraft {
  const time = type === 'listener_created' ? listener.createdAt : listener.updatedAt;
  return { type, time, listenerId: listener.id, listener };
}

/** What the data plane needs; once bound, the port that the kernel chose stays. */
export function bindingOf({ listener, secrets }: ListenerEntry): Binding {
  const { protocol, host, mode, limits, faults, tls, proxyProtocol, recording, id } = listener;
  const port = listener.laddr?.port ?? listener.port;
  const spec = { protocol, host, port, mode, limits, faults, tls, proxyProtocol, recording };
  return { ...spec, ...secrets, listenerId: id };
}

function nameTaken(name: string): AppError {
  return new AppError('already_exists', `the name ${name} is taken`, {
    errors: [{ path: 'name', message: 'is taken' }],
  });
}

function portInUse(
  { host, port }: Pick<Listener, 'host' | 'port'>,
  owner: string,
  cause?: unknown,
): AppError {
  const by = owner === 'foreign' ? 'another process' : `listener ${owner}`;
  return new AppError('port_in_use', `${host} port ${port} is in use by ${by}`, { owner, cause });
}
