/**
 * One listening socket. It goes on listening whatever its connections do. What arrives before `serve`, or while
 * the records can not keep up, waits unread.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type Address, plainIp } from '../../core/address.ts';
import type { AcceptedConnection, CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { RefusalRule } from '../../core/event.ts';
import type { Fault } from '../../core/fault.ts';
import type { ListenerLimits, ListenerMode } from '../../core/listener.ts';
import type { Binding, Clock } from '../../core/ports.ts';
import type { WorkerRecord } from '../../core/record.ts';
import type { Micros } from '../../core/time.ts';
import { Admission } from '../admission.ts';
import type { EchoContext, EchoListener } from '../echo-listener.ts';
import type { FaultResources } from '../faults/fault-pipeline.ts';
import { type ConnectionFaults, ListenerFaults } from '../faults/listener-faults.ts';
import type { BoundSocket, Share, WorkerSettings } from '../messages.ts';
import type { PreambleEnd } from '../preamble/preamble-error.ts';
import { Preambles } from '../preamble/preambles.ts';
import { Refusals } from '../refusals.ts';
import type { ConnectionHost } from './connection-host.ts';
import { HandleTransport } from './handle-transport.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';
import { type HandleAddress, type TcpHandle, takeHandles } from './tcp-handle.ts';

/** What waits to be accepted, in the order of arrival. */
interface Arrival {
  readonly handle: TcpHandle;
  readonly acceptedAt: Micros;
}

const backlog = 4096;
const unspecified = new Set(['0.0.0.0', '::']);

export class TcpListener implements EchoListener, ConnectionHost {
  readonly mode: ListenerMode;
  readonly settings: WorkerSettings;
  readonly clock: Clock;
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
  readonly #open = new Set<StreamConnection>();
  #held: Arrival[] = [];
  #isServing = false;
  #laddr: Address | null = null;
  #closing: Promise<void> | null = null;
  readonly #drains: NodeJS.Timeout[] = [];
  #onEmpty: (() => void) | null = null;

  constructor(binding: Binding, context: EchoContext) {
    const { mode, limits, faults, listenerId, protocol } = binding;
    const { settings, clock, records, faultResources } = context;
    this.#binding = binding;
    this.#context = context;
    this.mode = mode;
    this.limits = limits;
    this.settings = settings;
    this.clock = clock;
    this.faultResources = faultResources;
    this.#admission = new Admission(limits, clock.now());
    const { refusalsPerSecondMax: perSecondMax } = settings;
    this.#refusals = new Refusals({ listenerId, protocol, perSecondMax, clock, records });
    const { workers } = settings;
    const onChange = () => this.#readmitAll();
    this.#faults = new ListenerFaults({ faults, workers, clock, kind: 'stream', onChange });
    this.#preambles = Preambles.of(binding, settings.preambleTimeoutMs);
    this.#server = createServer();
  }

  async bind(share: Share): Promise<BoundSocket> {
    if (!this.#context.sockets.take())
      throw Object.assign(new Error('no file'), { code: 'EMFILE' });
    try {
      // The kernel lets any process of this user share a port: whether one does is seen only by not sharing.
      if (share === 'first' && this.#binding.port !== 0) await this.#probe();
      return await this.#listen(share !== 'alone');
    } catch (error) {
      this.#context.sockets.release();
      this.#faults.close();
      throw error;
    }
  }

  async #probe(): Promise<void> {
    const { host, port } = this.#binding;
    const probe = createServer().listen({ host, port, backlog: 1 });
    await once(probe, 'listening');
    probe.close();
    await once(probe, 'close');
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
    const ip = plainIp(bound.address);
    if (!unspecified.has(ip)) this.#laddr = { ip, port: bound.port };
    return { ip: bound.address, port: bound.port, fd };
  }

  serve(): void {
    this.#isServing = true;
    this.resume();
  }

  update({ limits, faults }: { limits: ListenerLimits; faults: readonly Fault[] }): void {
    this.limits = limits;
    this.#admission.update(limits, this.clock.now());
    for (const connection of this.#open) connection.updateLimits();
    this.#faults.update(faults);
  }

  #readmitAll(): void {
    for (const connection of this.#open) {
      connection.updateFaults(this.#faults.readmit(connection.accepted.ip, connection.faults));
    }
  }

  #onConnection(status: number, handle: TcpHandle): void {
    if (status !== 0) return;
    const arrival = { handle, acceptedAt: this.clock.now() };
    if (!this.#context.sockets.take()) this.#refuse(arrival, 'worker_capacity');
    else if (this.#isServing && !this.#context.records.isFull) this.#accept(arrival);
    else this.#held.push(arrival);
  }

  resume(): void {
    while (this.#isServing && !this.#context.records.isFull) {
      const held = this.#held.shift();
      if (held === undefined) return;
      this.#accept(held);
    }
  }

  #accept(arrival: Arrival): void {
    const { handle, acceptedAt } = arrival;
    const raddr = addressOf(handle, 'getpeername');
    // The client was gone before we came to it, and left no address to record.
    if (raddr === null) {
      handle.close();
      this.#context.sockets.release();
      return;
    }
    const rule = this.#admission.refusal(raddr.ip, acceptedAt);
    if (rule !== null) {
      this.#refuse(arrival, rule, raddr);
      this.#context.sockets.release();
      return;
    }
    const faults = this.#faults.admit(raddr.ip);
    if (faults.isRefused) {
      this.#refuse(arrival, 'refuse_fault', raddr);
      this.#context.sockets.release();
      return;
    }
    this.#admission.opened(raddr.ip);
    const opened = this.#accepted(handle, raddr, acceptedAt);
    const { acceptDelayMs } = faults;
    if (this.#preambles === null) {
      const makeTransport = (owner: TransportOwner) => new HandleTransport(handle, owner);
      this.#admit(opened, faults, acceptDelayMs, makeTransport);
      return;
    }
    void this.#preambles.run(handle, opened, acceptDelayMs, {
      onReady: (ready, makeTransport) => this.#admit(ready, faults, 0, makeTransport),
      onFailed: (failed, end) => this.#fail(failed, end),
    });
  }

  #accepted(handle: TcpHandle, raddr: Address, acceptedAt: Micros): AcceptedConnection {
    const { listenerId, protocol } = this.#binding;
    const laddr = this.#laddr ?? addressOf(handle, 'getsockname') ?? { ip: '0.0.0.0', port: 0 };
    const id = this.#context.ids.next(acceptedAt);
    const { fd } = handle;
    const own = { id, listenerId, protocol, laddr, raddr, pid: process.pid, fd, acceptedAt };
    return { ...own, declaredRaddr: null, tls: null };
  }

  #admit(
    opened: AcceptedConnection,
    faults: ConnectionFaults,
    delayMs: number,
    makeTransport: (owner: TransportOwner) => StreamTransport,
  ): void {
    const { records, connections } = this.#context;
    const { id, acceptedAt, raddr } = opened;
    const accepted = { id, acceptedAt, ip: raddr.ip };
    const connection = new StreamConnection(this, accepted, faults, makeTransport);
    this.#open.add(connection);
    connections.set(id, connection);
    records.push({ kind: 'opened', connection: opened });
    const greeting = this.mode === 'info' ? greetingOf(opened) : null;
    const isDurable = this.#binding.recording === 'durable';
    if (!isDurable && delayMs === 0) {
      connection.start(greeting);
      return;
    }
    const start = () => connection.start(greeting);
    const startLater = delayMs === 0 ? start : () => void setTimeout(start, delayMs);
    if (isDurable) records.whenCommitted(startLater);
    else startLater();
  }

  /** Its preamble was not what the listener wants: opened and closed at once. */
  #fail(opened: AcceptedConnection, { initiator, reason, code }: PreambleEnd): void {
    const { records } = this.#context;
    const counters = { id: opened.id, bytesIn: 0, bytesOut: 0, firstByteAt: null };
    const end = { at: this.clock.now(), halfClosedAt: null, initiator, reason, error: code };
    records.push({ kind: 'opened', connection: opened });
    records.push({ kind: 'closed', ...end, ...counters });
    this.#left(opened.raddr.ip);
  }

  /** RST, before a byte is read. */
  #refuse({ handle }: Arrival, rule: RefusalRule, raddr = addressOf(handle, 'getpeername')): void {
    const laddr = this.#laddr ?? addressOf(handle, 'getsockname');
    if (laddr !== null && raddr !== null) this.#refusals.add(rule, { laddr, raddr });
    handle.reset();
  }

  record(record: WorkerRecord): void {
    this.#context.records.push(record);
  }

  onClosed(connection: StreamConnection): void {
    this.#open.delete(connection);
    this.#context.connections.delete(connection.accepted.id);
    this.#left(connection.accepted.ip);
  }

  #left(ip: string): void {
    this.#context.sockets.release();
    this.#admission.closed(ip);
    if (this.#isEmpty) this.#onEmpty?.();
  }

  get #isEmpty(): boolean {
    return this.#open.size === 0 && (this.#preambles?.size ?? 0) === 0;
  }

  close(drainMs: number, reason: CloseReason): Promise<void> {
    this.#closing ??= this.#stopListening();
    const initiator: CloseInitiator = reason === 'listener_deleted' ? 'operator' : 'system';
    const closeAll = () => {
      this.#preambles?.close({ initiator, reason });
      for (const connection of this.#open) connection.close('fin', initiator, reason);
    };
    if (drainMs === 0) closeAll();
    else this.#drains.push(setTimeout(closeAll, drainMs));
    return this.#closing;
  }

  async #stopListening(): Promise<void> {
    const freed = once(this.#server, 'close');
    this.#server.close();
    for (const { handle } of this.#held.splice(0)) {
      handle.reset();
      this.#context.sockets.release();
    }
    this.#refusals.flush();
    await freed;
    this.#context.sockets.release();
    if (!this.#isEmpty) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    for (const timer of this.#drains) clearTimeout(timer);
    this.#faults.close();
  }
}

/** Filled again by each call: Node writes what is there faster than it adds. */
const out: HandleAddress = { address: '', family: '', port: 0 };

function addressOf(handle: TcpHandle, get: 'getpeername' | 'getsockname'): Address | null {
  return handle[get](out) === 0 ? { ip: plainIp(out.address), port: out.port } : null;
}

/** What an info listener says first: one line of JSON. */
function greetingOf({ id, listenerId, laddr, raddr, declaredRaddr }: AcceptedConnection): Buffer {
  const line = JSON.stringify({ connectionId: id, listenerId, raddr, laddr, declaredRaddr });
  return Buffer.from(`${line}\n`);
}
