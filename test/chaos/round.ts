/**
 * One round of chaos: a kodama with its embedded PostgreSQL, clients that come and go, listeners that are made
 * and deleted, a stream that is resumed throughout, and attacks at random. Then everything is let heal, and
 * what the record says is held against what the clients saw.
 */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../support/rest-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { attacks } from './attacks.ts';
import { Clients } from './clients.ts';
import { KodamaProcess } from './kodama-process.ts';
import { LogReader } from './log-reader.ts';
import { Random } from './random.ts';
import { judge, type Verdict } from './verdict.ts';

export interface RoundOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly clientsAtOnce?: number;
  readonly listenersMax?: number;
  readonly recording?: 'batched' | 'durable';
  readonly attackNames?: readonly string[];
  readonly workers?: number;
}

export interface RoundResult extends Verdict {
  readonly seed: number;
  readonly attacks: readonly string[];
  readonly log: readonly string[];
}

const clientsAtOnceDefault = 20;
const listenersMaxDefault = 6;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const random = new Random(options.seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-chaos-'));
  const ports = { http: await freePort(), grpc: await freePort() };
  const extra = { KODAMA_WORKERS: String(options.workers ?? 1) };
  const target = new KodamaProcess(dataDir, ports, extra);
  try {
    await target.begin();
    const reader = new LogReader(target.url);
    const clients = new Clients(new Random(options.seed + 1));
    const listeners = new ListenerChurn(target, new Random(options.seed + 2), options);
    await listeners.make();
    const until = performance.now() + options.durationMs;
    const isOver = () => performance.now() >= until;
    const names = options.attackNames ?? Object.keys(attacks);
    const [done] = await Promise.all([
      attackUntil(isOver, target, random, names),
      listeners.churnUntil(isOver),
      visitUntil(isOver, clients, listeners, options.clientsAtOnce ?? clientsAtOnceDefault),
    ]);
    await heal(target, listeners, reader);
    const verdict = await judge({ target, clients, listeners, reader });
    await reader.end();
    await target.end();
    return { ...verdict, seed: options.seed, attacks: done, log: target.log };
  } finally {
    await target.kill();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function attackUntil(
  isOver: () => boolean,
  target: KodamaProcess,
  random: Random,
  names: readonly string[],
): Promise<readonly string[]> {
  const done: string[] = [];
  while (!isOver()) {
    await pause(random.between(100, 1200));
    const name = random.pick(names);
    done.push(name);
    await attacks[name]?.(target, random);
  }
  return done;
}

async function visitUntil(
  isOver: () => boolean,
  clients: Clients,
  listeners: ListenerChurn,
  atOnce: number,
): Promise<void> {
  const one = async () => {
    while (!isOver()) {
      const port = listeners.anyPort();
      if (port === null) await pause(20);
      else if ((await clients.visit(port)).error !== null) await pause(20);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Everything that should be up is up, and nothing is open any more. */
async function heal(
  target: KodamaProcess,
  listeners: ListenerChurn,
  reader: LogReader,
): Promise<void> {
  await target.ready();
  await waitFor('every confirmed listener to listen', async () => {
    const states = await Promise.all(
      [...listeners.confirmed.keys()].map((id) => call(target, 'GET', `/v1/listeners/${id}`)),
    );
    return states.every(({ body }) => body.state === 'listening');
  });
  await waitFor('every connection to be closed', async () => {
    const open = await call(target, 'GET', '/v1/connections?state=open');
    const half = await call(target, 'GET', '/v1/connections?state=half_closed');
    if (open.status !== 200 || half.status !== 200) return false;
    return open.body.connections.length + half.body.connections.length === 0;
  });
  await waitFor('the stream to be at the head', async () => {
    const status = await call(target, 'GET', '/v1/status');
    return status.status === 200 && reader.seq === status.body.headSeq;
  });
}

/** Listeners that come and go through the API, and what it confirmed of them. */
export class ListenerChurn {
  /** By id: what a 201 told, until a 204 told that it is gone. */
  readonly confirmed = new Map<string, number>();
  /** A delete whose answer was lost may or may not have happened. */
  readonly doubtful = new Set<string>();
  readonly deleted = new Set<string>();
  readonly #target: KodamaProcess;
  readonly #random: Random;
  readonly #recording: string;
  readonly #max: number;

  constructor(target: KodamaProcess, random: Random, options: RoundOptions) {
    this.#target = target;
    this.#random = random;
    this.#recording = options.recording ?? 'batched';
    this.#max = options.listenersMax ?? listenersMaxDefault;
  }

  anyPort(): number | null {
    const ports = [...this.confirmed.values()];
    return ports.length === 0 ? null : (ports[Math.floor(Math.random() * ports.length)] ?? null);
  }

  async make(): Promise<void> {
    const reply = await call(this.#target, 'POST', '/v1/listeners', { recording: this.#recording });
    if (reply.status === 201) this.confirmed.set(reply.body.id, reply.body.laddr.port);
  }

  async #remove(): Promise<void> {
    const id = this.#random.pick([...this.confirmed.keys()]);
    const port = this.confirmed.get(id) ?? 0;
    this.confirmed.delete(id);
    this.doubtful.add(id);
    const reply = await call(this.#target, 'DELETE', `/v1/listeners/${id}`);
    if (reply.status === 204) this.deleted.add(id);
    else this.confirmed.set(id, port);
    this.doubtful.delete(id);
  }

  async churnUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await pause(this.#random.between(50, 400));
      const isFull = this.confirmed.size >= this.#max;
      try {
        if (this.confirmed.size > 1 && (isFull || this.#random.next() < 0.3)) await this.#remove();
        else await this.make();
      } catch {
        // No answer: a create may stand and nobody knows it, a delete is doubtful. Both are allowed.
      }
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}
