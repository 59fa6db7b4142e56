/**
 * The product's numbers in the Prometheus text format, named by its conventions. Labels have few values,
 * all ours: never an id, an address or anything else that a stranger chooses.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Commit } from '../core/append-queue.ts';
import type { ControlPlane } from '../core/control-plane.ts';
import { refusalRules } from '../core/event.ts';
import type { EventLog } from '../core/event-log.ts';
import type { HeldNodes } from '../core/held-nodes.ts';
import { protocols } from '../core/listener.ts';
import type { Retention } from '../core/retention.ts';
import { connectionEnds } from './connection-ends.ts';
import {
  type FleetObserved,
  fleetCounters,
  fleetGauges,
  observeNodes,
  type Readings,
} from './fleet-metrics.ts';

export interface Observed extends FleetObserved {
  readonly control: ControlPlane;
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly retention: Pick<Retention, 'bytes'>;
  readonly store: { readonly connectFailures: number };
}

const commitSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const commitEvents = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** Only a counter may end in `_total` (prometheus.io/docs/practices/naming); `nodejs_active_resources` tells the same. */
const misnamedGauges = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

export class Metrics {
  readonly #registry = new Registry();
  readonly #accepted: Counter<'protocol'>;
  readonly #raddrUnknown: Counter;
  readonly #refused: Counter<'rule'>;
  readonly #closed: Counter<'reason' | 'initiator'>;
  readonly #events: Counter;
  readonly #unauthenticated: Counter;
  readonly #commitEvents: Histogram;
  readonly #commitSeconds: Histogram;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamedGauges) this.#registry.removeSingleMetric(name);
    this.#accepted = new Counter({
      name: 'kodama_connections_accepted_total',
      help: 'Connections whose opened event is committed.',
      labelNames: ['protocol'],
      registers,
    });
    this.#unauthenticated = new Counter({
      name: 'kodama_unauthenticated_total',
      help: 'Calls that no known key signs, and those refused unseen after too many of them.',
      registers,
    });
    this.#raddrUnknown = new Counter({
      name: 'kodama_connections_raddr_unknown_total',
      help: 'Accepted and refused connections whose remote address the system told no more.',
      registers,
    });
    this.#refused = new Counter({
      name: 'kodama_connections_refused_total',
      help: 'Arrivals that were turned away, by the rule that did it.',
      labelNames: ['rule'],
      registers,
    });
    this.#closed = new Counter({
      name: 'kodama_connections_closed_total',
      help: 'Connections whose closed event is committed.',
      labelNames: ['reason', 'initiator'],
      registers,
    });
    this.#events = new Counter({
      name: 'kodama_log_events_total',
      help: 'Events that this process has committed, of all projects.',
      registers,
    });
    this.#commitEvents = new Histogram({
      name: 'kodama_log_commit_events',
      help: 'Events of one commit.',
      buckets: commitEvents,
      registers,
    });
    this.#commitSeconds = new Histogram({
      name: 'kodama_log_commit_seconds',
      help: 'Time of one commit, retries not counted.',
      buckets: commitSeconds,
      registers,
    });
    // A series that appears with its first event has no rate for it.
    for (const protocol of protocols) this.#accepted.inc({ protocol }, 0);
    for (const rule of refusalRules) this.#refused.inc({ rule }, 0);
    for (const labels of connectionEnds) this.#closed.inc(labels, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  countUnauthenticated(): void {
    this.#unauthenticated.inc();
  }

  onCommit({ events, durationMs }: Commit): void {
    this.#events.inc(events.length);
    this.#commitEvents.observe(events.length);
    this.#commitSeconds.observe(durationMs / 1000);
    for (const event of events) {
      if (event.type === 'connection_opened') {
        this.#accepted.inc({ protocol: event.connection.protocol });
        if (event.connection.raddr === null) this.#raddrUnknown.inc();
      } else if (event.type === 'connection_closed') {
        const { closeReason: reason, closeInitiator: initiator } = event.connection;
        this.#closed.inc({ reason: reason ?? 'error', initiator: initiator ?? 'system' });
      } else if (event.type === 'connection_refused') {
        const { rule, raddr, count } = event.refusal;
        this.#refused.inc({ rule }, count);
        if (raddr === null) this.#raddrUnknown.inc(count);
      }
    }
  }

  /** What is read when it is asked for. */
  observe(observed: Observed): void {
    const { control, nodes, retention, store } = observed;
    const { writers } = observed.eventLog;
    observeNodes(this.#registry, observed);
    const gauges: Readings<number | Promise<number>> = {
      kodama_connections_open: [
        'Open connections, of all nodes here.',
        () => nodes.openConnections,
      ],
      kodama_listeners: [
        'Listeners that are not closed, of all nodes here.',
        () => control.listenerCount,
      ],
      kodama_log_queued_events: ['Events that wait for their commit.', () => writers.queuedEvents],
      kodama_log_waiting_seconds: [
        'How long the oldest of what waits for its commit has waited.',
        () => writers.waitingMs / 1000,
      ],
      kodama_log_bytes: [
        'What the events that are kept of all projects take, about.',
        () => retention.bytes,
      ],
      kodama_retention_clock_ahead_seconds: [
        "How far the database's clock is ahead of the time that retention goes by.",
        () => (control.status().retention?.clockAheadMs ?? 0) / 1000,
      ],
      kodama_store_reachable: [
        '1 while the database answers and commits succeed, else 0.',
        async () => ((await control.isStoreReachable()) ? 1 : 0),
      ],
      kodama_streams: ['Open event streams.', () => control.followers.length],
      kodama_streams_lag_events: [
        'Events between the head and the stream that is furthest behind.',
        () => Math.max(0, ...control.followers.map(({ log, seq }) => log.headSeq - seq)),
      ],
      kodama_workers: ['Workers that are up.', () => control.status().workers.length],
      ...fleetGauges(observed),
    };
    for (const [name, [help, read]] of Object.entries(gauges)) {
      const collect = async function (this: Gauge) {
        this.set(await read());
      };
      new Gauge({ name, help, registers: [this.#registry], collect });
    }
    const counters: Readings<number> = {
      kodama_connections_received_bytes_total: [
        'Bytes read from clients of the built-in node, as last reported.',
        () => nodes.bytes.in,
      ],
      kodama_connections_sent_bytes_total: [
        'Bytes sent to clients of the built-in node, as last reported.',
        () => nodes.bytes.out,
      ],
      kodama_log_refused_records_total: [
        'Records of connections that the database refused.',
        () => writers.refusedRecords,
      ],
      kodama_store_connect_failures_total: [
        'Connections to the database that could not be made.',
        () => store.connectFailures,
      ],
      ...fleetCounters(observed),
    };
    for (const [name, [help, read]] of Object.entries(counters)) this.#counterOf(name, help, read);
    let restarts = 0;
    this.#counterOf('kodama_worker_restarts_total', 'Workers that were lost and replaced.', () => {
      const { workers } = control.status();
      // A worker that is being replaced is not among them for a moment.
      restarts = Math.max(
        restarts,
        workers.reduce((sum, worker) => sum + worker.restarts, 0),
      );
      return restarts;
    });
  }

  /** A counter that someone else keeps. */
  #counterOf(name: string, help: string, read: () => number): void {
    const collect = function (this: Counter) {
      this.reset();
      this.inc(read());
    };
    new Counter({ name, help, registers: [this.#registry], collect });
  }
}
