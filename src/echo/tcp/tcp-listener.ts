/**
 * One listening socket. It goes on listening whatever its connections do.
 *
 * - What arrives before `serve`, during a change, or while the records can not keep up, waits unread.
 * - Each socket that `accept` gives is on record: as refused, or as opened and closed, however soon its peer is gone.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type Address, plainIp } from '../../core/address.ts';
import type { AcceptedConnection, CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { RefusalRule } from '../../core/event.ts';
import type { ListenerLimits, ListenerMode } from '../../core/listener.ts';
import type { Binding } from '../../core/ports.ts';
import type { WorkerRecord } from '../../core/record.ts';
import { Admission } from '../admission.ts';
import { acceptedConnection, ConnectionProgress } from '../connection-progress.ts';
import { ConnectionRounds } from '../connection-rounds.ts';
import { Drain } from '../drain.ts';
import type { EchoContext, EchoListener, ListenerChange } from '../echo-listener.ts';
import type { FaultResources } from '../faults/fault-pipeline.ts';
import { ListenerFaults } from '../faults/listener-faults.ts';
import { greetingOf } from '../greeting.ts';
import type { BoundSocket, Share, WorkerSettings } from '../messages.ts';
import { type PreambleEnd, peerReset } from '../preamble/preamble-error.ts';
import { Preambles } from '../preamble/preambles.ts';
import { Refusals } from '../refusals.ts';
import type { WorkerClock } from '../worker-clock.ts';
import type { Accepted, Admitted, Arrival, ConnectionHost } from './connection-host.ts';
import { HandleTransport } from './handle-transport.ts';
import { HeldArrivals } from './held-arrivals.ts';
import { addressOf } from './peer-names.ts';
import { probePort } from './port-probe.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';
import { type TcpHandle, takeHandles } from './tcp-handle.ts';

const backlog = 4096;
const unspecified = new Set(['0.0.0.0', '::']);

export class TcpListener implements EchoListener, ConnectionHost {
  readonly mode: ListenerMode;
  readonly settings: WorkerSettings;
  readonly clock: WorkerClock;
  readonly faultResources: FaultResources;
  limits: ListenerLimits;
  readonly #binding: Binding;
  readonly #context: EchoContext;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #refusals: Refusals;
  readonly #faults: ListenerFaults;
  /** Null where nothing comes before the echo. */
  readonly #preambles: Preambles | null;
  readonly #open = new Map<string, StreamConnection>();
  readonly #rounds: ConnectionRounds;
  readonly #held = new HeldArrivals({
    mayAccept: () => this.#mayAccept,
    accept: (arrival) => this.#accept(arrival),
  });
  #isServing = false;
  /** As it was bound; of a wildcard, each connection has its own. */
  #bound: Address = { ip: '', port: 0 };
  #closing: Promise<void> | null = null;
  readonly #drain = new Drain();
  #onEmpty: (() => void) | null = null;

  constructor(binding: Binding, context: EchoContext) {
    const { mode, limits, faults, listenerId, protocol, project } = binding;
    const { settings, clock, records, faultResources, projects, rounds, refusalRates } = context;
    this.#binding = binding;
    this.#context = context;
    this.mode = mode;
    this.limits = limits;
    this.settings = settings;
    this.clock = clock;
    this.faultResources = faultResources;
    this.#admission = new Admission(limits, clock.monotonic(), projects.of(project));
    this.#refusals = new Refusals({ listenerId, protocol, project, refusalRates, clock, records });
    this.#rounds = new ConnectionRounds(rounds, project);
    const { workers } = settings;
    const onChange = () => void this.#changeAll();
    this.#faults = new ListenerFaults({ faults, workers, clock, kind: 'stream', onChange });
    this.#preambles = Preambles.of(binding, context);
    this.#server = createServer();
  }

  async bind(share: Share): Promise<BoundSocket> {
    if (!this.#context.sockets.take())
      throw Object.assign(new Error('no file'), { code: 'EMFILE' });
    try {
      if (share === 'first' && this.#binding.port !== 0) await probePort(this.#binding);
      return await this.#listen(share !== 'alone');
    } catch (error) {
      this.#context.sockets.release();
      this.#faults.close();
      throw error;
    }
  }

  async #listen(reusePort: boolean): Promise<BoundSocket> {
    const { host, port } = this.#binding;
    this.#server.listen({ host, port, backlog, reusePort });
    await once(this.#server, 'listening');
    const { fd } = takeHandles(this.#server, (status, handle) =>
      this.#onConnection(status, handle),
    );
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new TypeError('not an IP socket');
    this.#bound = { ip: plainIp(bound.address), port: bound.port };
    return { ip: bound.address, port: bound.port, fd };
  }

  serve(): void {
    this.#isServing = true;
    this.resume();
  }

  update({ limits, faults }: ListenerChange): Promise<void> {
    this.limits = limits;
    this.#admission.update(limits, this.clock.monotonic());
    this.#preambles?.update(limits);
    this.#faults.update(faults);
    return this.#changeAll();
  }

  async #changeAll(): Promise<void> {
    await this.#rounds.begin(this.#open.values(), (connection) => {
      connection.updateLimits();
      const { accepted, faults: before } = connection;
      const faults = this.#faults.readmit(accepted.ip, before);
      if (faults !== before) connection.updateFaults(faults);
    });
    this.resume();
  }

  #onConnection(status: number, handle: TcpHandle): void {
    // A failed accept hands over nothing; libuv tells of none on the systems that kodama runs on.
    if (status !== 0) return;
    const { clock } = this;
    const arrival = { handle, acceptedAt: clock.now(), since: clock.monotonic() };
    if (!this.#context.sockets.take()) {
      this.#refuse(arrival, 'worker_capacity', this.#context.peerNames.of(handle));
    } else if (this.#mayAccept && this.#held.isEmpty) this.#accept(arrival);
    else this.#held.add(arrival);
  }

  get #mayAccept(): boolean {
    return this.#isServing && !this.#rounds.isUnderWay && !this.#context.records.isFull;
  }

  resume(): void {
    this.#held.takeUp();
  }

  #accept(arrival: Arrival): void {
    const { handle, since } = arrival;
    const raddr = this.#context.peerNames.of(handle);
    const ip = raddr?.ip ?? null;
    const rule = this.#admission.refusal(ip, since);
    const faults = rule === null ? this.#faults.admit(ip) : null;
    if (faults === null || faults.isRefused) {
      this.#refuse(arrival, rule ?? 'refuse_fault', raddr);
      this.#context.sockets.release();
      return;
    }
    // Only a peer that has reset already has no address, and only where the system tells it no more.
    if (raddr === null) {
      this.#recordEnded(this.#accepted(arrival, raddr), peerReset('ECONNRESET'));
      handle.close();
      this.#context.sockets.release();
      return;
    }
    this.#admission.opened(raddr.ip);
    const opened = this.#accepted(arrival, raddr);
    const { acceptDelayMs: delayMs } = faults;
    if (this.#preambles === null) {
      const makeTransport = (owner: TransportOwner) => new HandleTransport(handle, owner);
      this.#admit({ opened, since, faults, delayMs }, makeTransport);
      return;
    }
    void this.#preambles.run(
      { handle, accepted: opened, since, delayMs, limits: this.limits },
      {
        onReady: (ready, makeTransport) => {
          // Other faults may be in force by now.
          const current = this.#faults.readmit(raddr.ip, faults);
          this.#admit({ opened: ready, since, faults: current, delayMs: 0 }, makeTransport);
        },
        onFailed: (failed, end) => {
          this.#recordEnded(failed, end);
          this.#left(failed.raddr.ip);
        },
      },
    );
  }

  #accepted<Raddr extends Address | null>({ handle, acceptedAt }: Arrival, raddr: Raddr) {
    const { listenerId, protocol } = this.#binding;
    const laddr = this.#laddrOf(handle);
    const id = this.#context.ids.next(acceptedAt);
    const { fd } = handle;
    return acceptedConnection({ id, listenerId, protocol, laddr, raddr, fd, acceptedAt });
  }

  #laddrOf(handle: TcpHandle): Address {
    if (!unspecified.has(this.#bound.ip)) return this.#bound;
    return addressOf(handle, 'getsockname') ?? this.#bound;
  }

  #admit(
    { opened, since, faults, delayMs }: Admitted,
    makeTransport: (owner: TransportOwner) => StreamTransport,
  ): void {
    const { records, connections } = this.#context;
    const { id, raddr } = opened;
    const accepted = { id, since, ip: raddr.ip };
    const connection = new StreamConnection(this, accepted, faults, (owner) =>
      connections.resets.add(id, makeTransport(owner)),
    );
    this.#open.set(id, connection);
    connections.set(id, connection);
    records.push({ kind: 'opened', connection: opened });
    const greeting = this.mode === 'info' ? greetingOf(opened) : null;
    if (this.#binding.recording !== 'durable') connection.start(greeting, delayMs);
    else records.whenCommitted(() => connection.start(greeting, delayMs));
  }

  /** A connection that was over before it could be served, such as by its preamble, is opened and closed at once. */
  #recordEnded(opened: AcceptedConnection, { initiator, reason, code: error }: PreambleEnd): void {
    const end = { initiator, reason, error, at: this.clock.now(), bytesOut: 0 };
    this.record({ kind: 'opened', connection: opened });
    this.record(new ConnectionProgress(opened.id, null).closed(end));
  }

  /** RST, before a byte is read. */
  #refuse({ handle }: Arrival, rule: RefusalRule, raddr: Address | null): void {
    this.#refusals.add(rule, { laddr: this.#laddrOf(handle), raddr });
    handle.reset();
  }

  record(record: WorkerRecord): void {
    this.#context.records.push(record);
  }

  onMoved(id: string): void {
    this.#context.connections.onMoved(id);
  }

  onClosed({ id, ip }: Accepted): void {
    this.#open.delete(id);
    this.#context.connections.delete(id);
    this.#left(ip);
  }

  #left(ip: string): void {
    this.#context.sockets.release();
    this.#admission.closed(ip);
    if (this.#isEmpty) this.#onEmpty?.();
  }

  /** Ends an arrival that waited. Before the first `serve` the listener is on no record itself. */
  #endHeld(arrival: Arrival, end: PreambleEnd): void {
    const raddr = this.#context.peerNames.of(arrival.handle);
    if (this.#isServing) this.#recordEnded(this.#accepted(arrival, raddr), end);
    arrival.handle.reset();
    this.#context.sockets.release();
  }

  get #isEmpty(): boolean {
    return this.#open.size === 0 && (this.#preambles?.size ?? 0) === 0;
  }

  close(drainMs: number, reason: CloseReason): Promise<void> {
    const initiator: CloseInitiator = reason === 'listener_deleted' ? 'operator' : 'system';
    this.#closing ??= this.#stopListening({ initiator, reason, code: null });
    this.#drain.endWithin(drainMs, () => {
      this.#preambles?.close({ initiator, reason });
      const end = (connection: StreamConnection) => connection.close('fin', initiator, reason);
      void this.#rounds.beginLast(this.#open.values(), end);
    });
    return this.#closing;
  }

  async #stopListening(end: PreambleEnd): Promise<void> {
    const freed = once(this.#server, 'close');
    this.#server.close();
    for (const arrival of this.#held.drain()) this.#endHeld(arrival, end);
    this.#refusals.flush();
    await freed;
    this.#context.sockets.release();
    if (!this.#isEmpty) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    this.#drain.stop();
    this.#faults.close();
  }
}
