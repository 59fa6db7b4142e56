/**
 * Tells the other processes of a database which logs have grown, that keys or nodes have changed, that there are commands for
 * nodes, or that a node has another session, and learns it from them: by NOTIFY, apart from the append, whose commit
 * would otherwise hold a lock of the whole server; and by a slow look at the heads. A wake that is lost costs the time
 * until that look. https://www.postgresql.org/docs/current/sql-notify.html
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Notification } from 'pg';
import type { Logger } from '../core/ports.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { ForeignAppends } from '../core/store.ts';
import type { TenancyWakes } from '../tenancy/store.ts';
import { ConnectionLoss } from './connection-loss.ts';
import type { Database } from './database.ts';

export interface WakesOptions {
  readonly database: Database;
  readonly log: Logger;
  /** How often to look at the heads without being told. */
  readonly pollMs: number;
  /** How often to tell the others, at most. */
  readonly wakeMs: number;
}

const channel = 'kodama_wake';
/** A payload must be shorter than 8,000 bytes. */
const payloadBytesMax = 7999;
const tenancyPayload = 'tenancy:';
const fleetPayload = 'fleet:';
const takenPayload = 'taken:';
const goodbyeMs = 500;

/** As `tellChange`, from within a statement: at its commit, whether or not this process listens. */
export const tellChangeSql = `pg_notify('${channel}', '${tenancyPayload}')`;

type Callback = (headSeq: number) => void;
/** The node of this number has that session from now on. */
type Taken = (ref: number, session: number) => void;

export class Wakes implements ForeignAppends, TenancyWakes, AsyncDisposable {
  readonly #options: WakesOptions;
  readonly #followed = new Map<ProjectRef, Set<Callback>>();
  readonly #changes = new Set<() => void>();
  readonly #commands = new Set<() => void>();
  readonly #taken = new Set<Taken>();
  readonly #stop = new AbortController();
  #running: Promise<unknown> | null = null;
  /** Listens, and tells: who tells does not hear itself. Null while it is not connected. */
  #client: Client | null = null;
  /** Grown, and not told yet. */
  readonly #grown = new Set<ProjectRef>();
  #telling: NodeJS.Timeout | null = null;
  readonly #unsent = new Set<string>();
  #sending: Promise<void> | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** To be looked at. */
  readonly #due = new Set<ProjectRef>();
  #looking: Promise<void> | null = null;

  constructor(options: WakesOptions) {
    this.#options = options;
  }

  onChange(callback: () => void): () => void {
    const end = this.whileListening(callback);
    this.#run();
    return end;
  }

  /** As `onChange`, from when somebody follows anything on. */
  whileListening(callback: () => void): () => void {
    const own = () => callback();
    this.#changes.add(own);
    return () => this.#changes.delete(own);
  }

  /** It is committed. */
  tellChange(): void {
    this.#changed();
    this.#send(tenancyPayload);
  }

  #changed(): void {
    for (const callback of this.#changes) callback();
  }

  /** Told that there may be commands for nodes, or answers to some. Returns a function that ends it. */
  onFleet(callback: () => void): () => void {
    const own = () => callback();
    this.#commands.add(own);
    this.#run();
    return () => this.#commands.delete(own);
  }

  /** It is committed. */
  tellFleet(): void {
    this.#send(fleetPayload);
  }

  /** Told of each session of a node that begins, here or elsewhere. Returns a function that ends it. */
  onTaken(callback: Taken): () => void {
    this.#taken.add(callback);
    this.#run();
    return () => this.#taken.delete(callback);
  }

  /** It is committed. */
  tellTaken(ref: number, session: number): void {
    for (const callback of this.#taken) callback(ref, session);
    this.#send(`${takenPayload}${ref},${session}`);
  }

  #run(): void {
    this.#running ??= Promise.all([this.#listen(), this.#poll()]);
  }

  on(project: ProjectRef, callback: Callback): () => void {
    // A callback may be given twice: each time it is another subscription.
    const own: Callback = (headSeq) => callback(headSeq);
    const callbacks = this.#followed.get(project) ?? new Set();
    this.#followed.set(project, callbacks.add(own));
    this.#run();
    return () => {
      callbacks.delete(own);
      if (callbacks.size === 0) this.#followed.delete(project);
    };
  }

  /** The logs of these have grown: to be told once that can be seen. */
  tell(projects: Iterable<ProjectRef>): void {
    for (const project of projects) this.#grown.add(project);
    const waitMs = this.#toldAt + this.#options.wakeMs - performance.now();
    this.#telling ??= setTimeout(() => this.#notify(), Math.max(0, waitMs));
  }

  #notify(): void {
    const names = `log:${[...this.#grown].join(',')}`;
    const payload = names.length > payloadBytesMax ? 'log:*' : names;
    this.#grown.clear();
    this.#telling = null;
    this.#toldAt = performance.now();
    this.#send(payload);
  }

  #send(payload: string): void {
    this.#unsent.add(payload);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
  }

  /** One statement at a time, with all that came meanwhile. */
  async #sendAll(): Promise<void> {
    const text = 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload';
    while (this.#unsent.size > 0) {
      const payloads = [...this.#unsent];
      this.#unsent.clear();
      const client = this.#client;
      try {
        await client?.query(text, [channel, payloads]);
      } catch (err) {
        this.#options.log.debug({ err }, 'could not wake the others');
        // Behind a statement without an answer no other has one: the next connection looks at what was missed.
        void client?.end();
      }
    }
  }

  async #poll(): Promise<void> {
    while (await this.#pause()) await this.#look(this.#followed.keys());
  }

  async #listen(): Promise<void> {
    do {
      try {
        await this.#listenOnce();
      } catch (err) {
        this.#options.log.debug({ err }, 'could not listen for appends; polling meanwhile');
      }
    } while (await this.#pause());
  }

  /** Resolves when the connection is lost, or at the end. */
  async #listenOnce(): Promise<void> {
    const client = this.#options.database.client('kodama listen');
    using loss = new ConnectionLoss(client, this.#stop.signal);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      client.on('notification', (told) => {
        if (told.processId !== rows[0]?.pid) void this.#heard(told);
      });
      await client.query(`LISTEN ${channel}`);
      this.#client = client;
      // What was appended, or changed, before the LISTEN took hold.
      this.#changed();
      await this.#look(this.#followed.keys());
      await loss.happened;
    } finally {
      this.#client = null;
      // A server that hangs never answers the goodbye.
      await Promise.race([client.end().catch(() => undefined), delay(goodbyeMs)]);
    }
  }

  async #heard({ payload = '' }: Notification): Promise<void> {
    const [kind, names = ''] = payload.split(':');
    if (kind === 'tenancy') this.#changed();
    if (kind === 'fleet') for (const callback of this.#commands) callback();
    if (kind === 'taken') {
      const [ref = 0, session = 0] = names.split(',').map(Number);
      for (const callback of this.#taken) callback(ref, session);
    }
    if (kind !== 'log') return;
    const all = [...this.#followed.keys()];
    const told = new Set(names.split(',').map((name) => projectRef(Number(name))));
    await this.#look(names === '*' ? all : all.filter((project) => told.has(project)));
  }

  /** Looks at the heads of logs that somebody follows: one look at a time, over all that were asked for meanwhile. */
  async #look(projects: Iterable<ProjectRef>): Promise<void> {
    for (const project of projects) this.#due.add(project);
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const { database, log } = this.#options;
    while (this.#due.size > 0) {
      const values = [[...this.#due]];
      this.#due.clear();
      const text = 'SELECT project, seq FROM log_heads WHERE project = ANY ($1::integer[])';
      try {
        const heads = await database.query({ name: 'heads', text, values });
        for (const [ref, seq] of heads as readonly (readonly [number, number])[]) {
          for (const callback of this.#followed.get(projectRef(ref)) ?? []) callback(seq);
        }
      } catch (err) {
        log.debug({ err }, 'could not look at the heads of the logs');
      }
    }
  }

  /** False at the end. */
  async #pause(): Promise<boolean> {
    const { signal } = this.#stop;
    return await delay(this.#options.pollMs, true, { signal }).catch(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#followed.clear();
    this.#stop.abort();
    if (this.#telling !== null) clearTimeout(this.#telling);
    await this.#running;
    await this.#looking;
  }
}
