/** What a listener of a worker is given, without a worker: records go to `send`, if anywhere. */
import { readConfig } from '../../src/config.ts';
import type { Binding } from '../../src/core/ports.ts';
import { defaultProject } from '../../src/core/project.ts';
import { Turns } from '../../src/core/turns.ts';
import { ConnectionIds } from '../../src/echo/connection-ids.ts';
import type { EchoContext } from '../../src/echo/echo-listener.ts';
import { OpenConnections } from '../../src/echo/open-connections.ts';
import { PreambleTurns } from '../../src/echo/preamble/preamble-turns.ts';
import { ProjectRooms } from '../../src/echo/project-rooms.ts';
import { RecordQueue } from '../../src/echo/record-queue.ts';
import { RefusalRates } from '../../src/echo/refusal-rates.ts';
import { SocketBudget } from '../../src/echo/socket-budget.ts';
import { PeerNames } from '../../src/echo/tcp/peer-names.ts';
import { DatagramBatches } from '../../src/echo/udp/datagram-batches.ts';
import { WildcardReader } from '../../src/echo/udp/wildcard-reader.ts';
import { type WorkerClock, workerClock } from '../../src/echo/worker-clock.ts';
import { boundlessFaults } from './fault-bench.ts';
import { sampleId, sampleNewListener } from './samples.ts';

export function echoContext(change: Partial<EchoContext> = {}): EchoContext {
  const records = new RecordQueue({
    send: () => undefined,
    batchMax: 1000,
    unackedMax: 1000,
    onFull: () => undefined,
  });
  const clock = workerClock();
  return {
    settings: { ...readConfig({}).dataPlane, nodeId: 'node-1', workers: 1, heartbeatMs: 1000 },
    clock,
    records,
    ids: new ConnectionIds(),
    connections: new OpenConnections(),
    projects: new ProjectRooms(clock),
    refusalRates: new RefusalRates(readConfig({}).dataPlane.refusalsPerSecondMax, clock),
    sockets: new SocketBudget(100, () => undefined),
    peerNames: new PeerNames({ onMissing: () => undefined }),
    faultResources: boundlessFaults(),
    rounds: new Turns({ pieceItemsMax: 1, turnMs: 2 }),
    preambleTurns: new PreambleTurns({ preamblesMax: 1000, preamblePatienceMs: 20_000 }),
    wildcards: new WildcardReader({ datagramsPerTurnMax: 64, onMissing: () => undefined }),
    batches: new DatagramBatches({ onMissing: () => undefined }),
    ...change,
  };
}

export function sampleBinding(change: Partial<Binding>): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  const own = { host: '127.0.0.1', port: 0, tls: null, tlsKey: null, project: defaultProject };
  return { ...spec, ...own, listenerId: sampleId(1), ...change };
}

/** A worker's clocks, whose time of day can be set. */
export function settableClock(): WorkerClock & { set(byMs: number): void } {
  const { now, monotonic } = workerClock();
  let offset = 0;
  return {
    now: () => now() + offset,
    monotonic,
    set(byMs) {
      offset += byMs * 1000;
    },
  };
}
