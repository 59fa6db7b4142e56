/**
 * One UDP listener: its sockets, and the sessions of those who send to it.
 *
 *   datagram ─► known pair? ──────────────────────────► session ─► may it be answered? ─► back
 *                    └ no ─► guards, limits ─► opened ─┘              └ no ─► refused, counted
 *
 * - What arrives before `serve`, or from a new source during a change, is held, within a bound. UDP has no backlog: while
 *   the records can not keep up, a datagram of an unknown source is dropped; known ones go on.
 */
import { type Address, plainIp } from '../../core/address.ts';
import type { CloseInitiator, CloseReason } from '../../core/connection.ts';
import type { RefusalRule } from '../../core/event.ts';
import type { Binding } from '../../core/ports.ts';
import type { Micros } from '../../core/time.ts';
import { Admission } from '../admission.ts';
import { ConnectionRounds } from '../connection-rounds.ts';
import { Drain } from '../drain.ts';
import type { EchoContext, EchoListener, ListenerChange } from '../echo-listener.ts';
import { ListenerFaults } from '../faults/listener-faults.ts';
import type { BoundSocket, Share } from '../messages.ts';
import { Refusals } from '../refusals.ts';
import { HeldBytes } from './held-bytes.ts';
import type { UdpGuards } from './udp-guards.ts';
import { UdpSession, type UdpSessionHost } from './udp-session.ts';
import { UdpSessions } from './udp-sessions.ts';
import {
  bindUdpSockets,
  closeSocket,
  type UdpEndpoint,
  type UdpRemote,
  type UdpSocket,
} from './udp-sockets.ts';

interface Datagram {
  readonly bytes: Buffer;
  readonly remote: UdpRemote;
  readonly endpoint: UdpEndpoint;
}

export class UdpListener implements EchoListener {
  readonly #binding: Binding;
  readonly #context: EchoContext;
  readonly #guards: UdpGuards;
  readonly #admission: Admission;
  readonly #refusals: Refusals;
  readonly #heldBytes: HeldBytes;
  readonly #sessions: UdpSessions;
  readonly #sessionHost: UdpSessionHost;
  readonly #faults: ListenerFaults;
  #sockets: readonly UdpSocket[] = [];
  #state: 'bound' | 'serving' | 'draining' = 'bound';
  #held: Datagram[] = [];
  readonly #rounds: ConnectionRounds;
  readonly #drain = new Drain();
  #closed: Promise<void> | null = null;

  /** `guards` are those of the worker, for all its UDP listeners. */
  constructor(binding: Binding, context: EchoContext, guards: UdpGuards) {
    const { clock, settings, records, projects, rounds } = context;
    const { limits, listenerId, project } = binding;
    this.#binding = binding;
    this.#context = context;
    this.#guards = guards;
    this.#admission = new Admission(limits, clock.monotonic(), projects.of(project));
    this.#sessions = new UdpSessions(clock, limits, new ConnectionRounds(rounds, project));
    this.#rounds = new ConnectionRounds(rounds, project);
    this.#heldBytes = new HeldBytes(settings.udpHeldBytesMax, guards.held);
    this.#refusals = new Refusals({
      listenerId,
      protocol: 'udp',
      project,
      refusalRates: context.refusalRates,
      clock,
      records,
    });
    this.#sessionHost = this.#newSessionHost();
    this.#faults = new ListenerFaults({
      faults: binding.faults,
      workers: settings.workers,
      clock,
      kind: 'datagram',
      onChange: () => void this.#changeAll(),
    });
  }

  /** @throws the system's error */
  async bind(share: Share): Promise<BoundSocket> {
    const { host, port } = this.#binding;
    try {
      this.#sockets = await bindUdpSockets({
        host,
        port,
        share,
        budget: this.#context.sockets,
        wildcards: this.#context.wildcards,
        batches: this.#context.batches,
        hostAddresses: () => this.#guards.host.unicast,
        onDatagram: (bytes, remote, endpoint) => this.#onDatagram({ bytes, remote, endpoint }),
      });
    } catch (error) {
      this.#faults.close();
      throw error;
    }
    const [main, ...others] = this.#sockets;
    if (main === undefined) throw new TypeError('a bind has a socket');
    this.#guards.ownListeners.add(main.laddr);
    return { ...main.laddr, fd: main.fd, moreFds: others.map(({ fd }) => fd) };
  }

  serve(): void {
    if (this.#state !== 'bound') return;
    this.#state = 'serving';
    for (const datagram of this.#takeHeld()) this.#take(datagram);
  }

  *#takeHeld(): Generator<Datagram> {
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) {
      this.#heldBytes.give(next.bytes);
      yield next;
    }
  }

  update({ limits, faults }: ListenerChange): Promise<void> {
    this.#admission.update(limits, this.#context.clock.monotonic());
    this.#sessions.update(limits);
    this.#faults.update(faults);
    return this.#changeAll();
  }

  async #changeAll(): Promise<void> {
    await this.#rounds.begin(this.#sessions, (session) => {
      const faults = this.#faults.readmit(session.raddr.ip, session.faults);
      if (faults !== session.faults) session.update(faults);
    });
    const take = (datagram: Datagram) => this.#take(datagram);
    if (this.#state !== 'bound') await this.#rounds.begin(this.#takeHeld(), take);
  }

  /** Nothing waits for room in the records: what came meanwhile is gone. */
  resume(): void {}

  /** Who comes during a change is counted behind the sessions that it has not reached yet. */
  get #holdsNew(): boolean {
    const isChanging = this.#state === 'serving' && this.#rounds.isUnderWay;
    return isChanging || this.#state === 'bound';
  }

  #onDatagram(datagram: Datagram): void {
    const { bytes, remote, endpoint } = datagram;
    const known = this.#sessions.find(endpoint, remote);
    if (known === undefined && this.#holdsNew) {
      if (this.#heldBytes.take(bytes)) this.#held.push({ ...datagram, bytes: Buffer.from(bytes) });
    } else this.#take(datagram, known);
  }

  #take(
    { bytes, remote, endpoint }: Datagram,
    known = this.#sessions.find(endpoint, remote),
  ): void {
    const now = this.#context.clock.monotonic();
    const session = known ?? this.#open(remote, endpoint, now);
    if (session === null) return;
    // What it has brought is answered before it ends; more it may not bring.
    if (!this.#sessions.isFull(session)) session.receive(bytes, now);
    this.#sessions.endWhenFull(session);
  }

  /** Null when it is not let in. */
  #open(remote: UdpRemote, endpoint: UdpEndpoint, now: Micros): UdpSession | null {
    const { records, connections, ids, clock } = this.#context;
    if (this.#state !== 'serving' || records.isFull) return null;
    const raddr = addressOf(remote);
    const refused = this.#refusal(endpoint, raddr, now);
    const faults = refused === null ? this.#faults.admit(raddr.ip) : null;
    if (refused !== null || faults === null || faults.isRefused) {
      this.#refusals.add(refused ?? 'refuse_fault', { laddr: endpoint.laddr, raddr });
      return null;
    }
    const isHeld = this.#binding.recording === 'durable';
    const openedAt = clock.now();
    const session = new UdpSession({
      id: ids.next(openedAt),
      host: this.#sessionHost,
      endpoint,
      remote,
      raddr,
      source: this.#guards.sources.opened(raddr.ip),
      openedAt,
      since: now,
      faults,
      isHeld,
      isGreeted: this.#binding.mode === 'info',
    });
    this.#sessions.add(session);
    this.#guards.host.asked(endpoint.laddr.ip);
    this.#admission.opened(raddr.ip);
    connections.set(session.id, session);
    records.push({ kind: 'opened', connection: session.accepted });
    if (isHeld) {
      records.whenCommitted(() => {
        session.release();
        this.#sessions.endWhenFull(session);
      });
    }
    return session;
  }

  #refusal(endpoint: UdpEndpoint, raddr: Address, now: Micros): RefusalRule | null {
    const { connections, settings } = this.#context;
    // What is discarded is reflected to nobody.
    if (this.#binding.mode !== 'discard') {
      const guard = this.#guards.destinationRefusal(endpoint) ?? this.#guards.sourceRefusal(raddr);
      if (guard !== null) return guard;
    }
    const hasRoom = connections.size < settings.connectionsMax && this.#guards.sources.hasRoom;
    return hasRoom ? this.#admission.refusal(raddr.ip, now) : 'worker_capacity';
  }

  #newSessionHost(): UdpSessionHost {
    const { clock, records, connections, settings, faultResources } = this.#context;
    return {
      listenerId: this.#binding.listenerId,
      clock,
      held: this.#heldBytes,
      sending: this.#guards.sending,
      sendQueueBytesMax: settings.udpSendQueueBytesMax,
      faultResources,
      faultHeldBytesMax: settings.faultHeldBytesMax,
      mayAnswer: (session, bytes, now) => this.#mayAnswer(session, bytes, now),
      onAnswer: (session, bytes, now) =>
        this.#guards.loops.answers(session, bytes, session.returns, now),
      record: (record) => records.push(record),
      onMoved: (id) => connections.onMoved(id),
      onClosing: (session) => this.#onClosing(session),
      onClosed: ({ id }) => connections.delete(id),
    };
  }

  #mayAnswer(session: UdpSession, bytes: Buffer, now: Micros): boolean {
    if (this.#binding.mode === 'discard') return false;
    const rule = this.#answerRefusal(session, bytes, now);
    if (rule === null) return true;
    this.#refusals.add(rule, { laddr: session.endpoint.laddr, raddr: session.raddr });
    return false;
  }

  #answerRefusal(session: UdpSession, bytes: Buffer, now: Micros): RefusalRule | null {
    const { source, raddr, traits } = session;
    const { ownListeners, loops } = this.#guards;
    // All that it may be answered is taken at once: from then on only our own faults have a say.
    if (!source.rate.take(now, traits.isMultiplied ? 2 : 1, bytes.length)) return 'udp_rate';
    // Another listener may have been bound there since the session was opened.
    if (ownListeners.has(raddr)) return 'udp_own_listener';
    const isLoop = loops.breaks(session, bytes, now);
    session.returns = loops.lastReturns;
    return isLoop ? 'udp_loop' : null;
  }

  #onClosing(session: UdpSession): void {
    this.#sessions.delete(session);
    this.#guards.host.left(session.endpoint.laddr.ip);
    this.#admission.closed(session.raddr.ip);
    this.#guards.sources.closed(session.source);
  }

  /** Idempotent; a later call may only make it end sooner. */
  close(drainMs: number, reason: CloseReason): Promise<void> {
    this.#state = 'draining';
    for (const { bytes } of this.#held.splice(0)) this.#heldBytes.give(bytes);
    this.#closed ??= this.#finish();
    this.#drain.endWithin(drainMs, () => this.#closeSessions(reason));
    return this.#closed;
  }

  #closeSessions(reason: CloseReason): void {
    const initiator: CloseInitiator = reason === 'listener_deleted' ? 'operator' : 'system';
    const close = (session: UdpSession) => session.close('fin', initiator, reason);
    void this.#rounds.beginLast(this.#sessions, close);
  }

  async #finish(): Promise<void> {
    await this.#sessions.emptied();
    this.#drain.stop();
    // What was sent and has not left is given up with its socket, which ends the sessions that wait for it.
    const { sockets: budget, wildcards } = this.#context;
    await Promise.all(this.#sockets.map((socket) => closeSocket(socket, { budget, wildcards })));
    const [main] = this.#sockets;
    if (main !== undefined) this.#guards.ownListeners.delete(main.laddr);
    this.#faults.close();
    this.#refusals.flush();
  }
}

function addressOf({ address, port }: UdpRemote): Address {
  return { ip: plainIp(address), port };
}
