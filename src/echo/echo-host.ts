/**
 * The echo sockets of one worker, and what it is asked to do with them, whatever carries the messages: worker-main gives
 * it a process and a channel.
 */
import type { Binding } from '../core/ports.ts';
import { Turns } from '../core/turns.ts';
import { ConnectionIds } from './connection-ids.ts';
import { ConnectionLease } from './connection-lease.ts';
import { CounterReports } from './counter-reports.ts';
import type { EchoContext, EchoListener } from './echo-listener.ts';
import { FaultRoom } from './faults/fault-room.ts';
import { FaultTurns } from './faults/fault-turns.ts';
import type { BoundSocket, Command, Report, Request, WorkerSettings } from './messages.ts';
import { OpenConnections } from './open-connections.ts';
import { PreambleTurns } from './preamble/preamble-turns.ts';
import { ProjectRooms } from './project-rooms.ts';
import { RecordQueue } from './record-queue.ts';
import { RefusalRates } from './refusal-rates.ts';
import { SocketBudget } from './socket-budget.ts';
import { PeerNames } from './tcp/peer-names.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { DatagramBatches } from './udp/datagram-batches.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';
import { WildcardReader } from './udp/wildcard-reader.ts';
import { workerClock } from './worker-clock.ts';

export class EchoHost {
  readonly #send: (report: Report) => void;
  readonly #listeners = new Map<string, EchoListener>();
  readonly #opening = new Map<string, Promise<unknown>>();
  readonly #closing = new WeakSet<EchoListener>();
  readonly #clock = workerClock();
  readonly #connections = new OpenConnections();
  readonly #lease = new ConnectionLease(this.#connections, this.#clock);
  readonly #context: EchoContext;
  /** Of all UDP listeners: they know of each other, and a source's rate is one. */
  #udpGuards: UdpGuards | null = null;

  /** A host is ready as soon as it is made, and says so. */
  constructor(settings: WorkerSettings, send: (report: Report) => void) {
    this.#send = send;
    this.#context = this.#makeContext(settings);
    this.#beginReports(settings);
    send({ kind: 'ready' });
  }

  #makeContext(settings: WorkerSettings): EchoContext {
    const records = new RecordQueue({
      send: this.#send,
      batchMax: settings.recordBatchMax,
      unackedMax: settings.recordsUnackedMax,
      onFull: (isFull) => {
        if (!isFull) for (const listener of this.#listeners.values()) listener.resume();
      },
    });
    const sockets = new SocketBudget(settings.connectionsMax, (max) =>
      this.#warn(`all ${max} sockets of the worker are in use: no more are accepted`),
    );
    const clock = this.#clock;
    const peerNames = new PeerNames({
      onMissing: (cause) =>
        this.#warn(`peers that reset at once are recorded without their address: ${cause}`),
    });
    const wildcards = new WildcardReader({
      datagramsPerTurnMax: settings.udpWildcardTurnMax,
      onMissing: (cause) =>
        this.#warn(
          `UDP wildcards answer from the address asked only where an interface had it at the bind: ${cause}`,
        ),
    });
    return {
      settings,
      clock,
      ids: new ConnectionIds(),
      records,
      connections: this.#connections,
      projects: new ProjectRooms(clock),
      refusalRates: new RefusalRates(settings.refusalsPerSecondMax, clock),
      sockets,
      peerNames,
      preambleTurns: new PreambleTurns(settings),
      wildcards,
      batches: new DatagramBatches({ onMissing: (why) => this.#warn(`UDP costs more: ${why}`) }),
      faultResources: {
        turns: new FaultTurns(settings.faultTurnMs),
        room: new FaultRoom(settings.faultHeldBytesMax, settings.faultHeldBytesTotalMax),
      },
      rounds: new Turns({ pieceItemsMax: 1, turnMs: settings.roundTurnMs }),
    };
  }

  /** For the log of those who run it. */
  #warn(message: string): void {
    this.#send({ kind: 'warning', message });
  }

  #beginReports(settings: WorkerSettings): void {
    const { records } = this.#context;
    const pieceMax = Math.ceil(settings.recordsUnackedMax / 4);
    const counters = new CounterReports({ connections: this.#connections, records, pieceMax });
    setInterval(() => counters.tell(), settings.countersIntervalMs).unref();
    // A connection that speaks within its first moment is told of at the end of the second.
    setInterval(() => counters.tellFirst(), Math.ceil(settings.firstCountersMs / 2)).unref();
    setInterval(() => this.#connections.resets.look(), settings.resetLookMs).unref();
    setInterval(() => this.#send({ kind: 'alive' }), settings.heartbeatMs).unref();
  }

  take(command: Exclude<Command, { kind: 'start' }>): void {
    if (command.kind === 'committed') this.#context.records.committed(command.batch);
    else void this.#answer(command.number, command.request);
  }

  async #answer(number: number, request: Request): Promise<void> {
    try {
      const bound = await this.#act(request);
      this.#context.records.flushAll();
      this.#send({ kind: 'done', number, bound });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      this.#send({ kind: 'failed', number, code });
    }
  }

  async #act(request: Request): Promise<BoundSocket | null> {
    if (request.kind === 'open') return await this.#open(request);
    if (request.kind === 'close_connection') {
      const reason = request.mode === 'fin' ? 'operator_fin' : 'operator_rst';
      this.#connections.get(request.connectionId)?.close(request.mode, 'operator', reason);
      return null;
    }
    if (request.kind === 'limit_project') {
      this.#context.projects.limit(request.project, request.limits);
      return null;
    }
    if (request.kind === 'lease') {
      this.#lease.take(request.lease);
      return null;
    }
    // What comes while a listener is being bound is meant for it all the same.
    await this.#opening.get(request.listenerId);
    const listener = this.#listeners.get(request.listenerId);
    if (request.kind === 'serve') listener?.serve();
    else if (request.kind === 'update') await listener?.update(request);
    else if (listener !== undefined) {
      const closed = listener.close(request.drainMs, request.reason);
      // Only who asked first is told when it is gone: however often it is asked for, it is waited for once.
      if (this.#closing.has(listener)) return null;
      this.#closing.add(listener);
      await closed;
      this.#listeners.delete(request.listenerId);
    }
    return null;
  }

  async #open({ binding, share }: Extract<Request, { kind: 'open' }>): Promise<BoundSocket> {
    const listener = this.#newListener(binding);
    const bound = listener.bind(share);
    const { listenerId } = binding;
    this.#opening.set(listenerId, Promise.allSettled([bound]));
    try {
      const socket = await bound;
      this.#listeners.set(listenerId, listener);
      return socket;
    } finally {
      this.#opening.delete(listenerId);
    }
  }

  #newListener(binding: Binding): EchoListener {
    const context = this.#context;
    if (binding.protocol !== 'udp') return new TcpListener(binding, context);
    this.#udpGuards ??= new UdpGuards(context.settings, context.clock);
    return new UdpListener(binding, context, this.#udpGuards);
  }
}
