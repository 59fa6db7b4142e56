/** The worker process: echo sockets, and nothing of the database or the API. It ends with its control plane. */
import type { Binding } from '../core/ports.ts';
import { ConnectionIds } from './connection-ids.ts';
import { CounterReports } from './counter-reports.ts';
import type { EchoContext, EchoListener } from './echo-listener.ts';
import { FaultRoom } from './faults/fault-room.ts';
import { FaultTurns } from './faults/fault-turns.ts';
import type { BoundSocket, Command, Report, Request, WorkerSettings } from './messages.ts';
import { OpenConnections } from './open-connections.ts';
import { PreambleTurns } from './preamble/preamble-turns.ts';
import { RecordQueue } from './record-queue.ts';
import { SocketBudget } from './socket-budget.ts';
import { PeerNames } from './tcp/peer-names.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';
import { WildcardReader } from './udp/wildcard-reader.ts';
import { workerClock } from './worker-clock.ts';

// Some supervisors signal every process of a service: the control plane decides when its workers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined);
}
process.on('disconnect', () => process.exit(0));
// What is sent to a control plane that was killed may fail before the channel says that it is gone.
process.on('error', () => process.exit(0));

const listeners = new Map<string, EchoListener>();
const opening = new Map<string, Promise<void>>();
const send = (report: Report) => {
  if (process.connected) process.send?.(report);
};
let context: EchoContext | null = null;
/** Of all UDP listeners: they know of each other, and a source's rate is one. */
let udpGuards: UdpGuards | null = null;

function start(settings: WorkerSettings): void {
  const records: RecordQueue = new RecordQueue({
    send,
    batchMax: settings.recordBatchMax,
    unackedMax: settings.recordsUnackedMax,
    onFull: (isFull) => {
      if (!isFull) for (const listener of listeners.values()) listener.resume();
    },
  });
  const connections = new OpenConnections();
  const sockets = new SocketBudget(settings.connectionsMax, (max) =>
    send({
      kind: 'warning',
      message: `all ${max} sockets of the worker are in use: no more are accepted`,
    }),
  );
  const peerNames = new PeerNames({
    onMissing: (cause) =>
      send({
        kind: 'warning',
        message: `peers that reset at once are recorded without their address: ${cause}`,
      }),
  });
  const wildcards = new WildcardReader({
    datagramsPerTurnMax: settings.udpWildcardTurnMax,
    onMissing: (cause) =>
      send({
        kind: 'warning',
        message: `UDP wildcards answer from the address asked only where an interface had it at the bind: ${cause}`,
      }),
  });
  context = {
    settings,
    clock: workerClock(),
    ids: new ConnectionIds(),
    records,
    connections,
    sockets,
    peerNames,
    preambleTurns: new PreambleTurns(settings.preamblesMax),
    wildcards,
    faultResources: {
      turns: new FaultTurns(settings.faultTurnMs),
      room: new FaultRoom(settings.faultHeldBytesMax, settings.faultHeldBytesTotalMax),
    },
  };
  const pieceMax = Math.ceil(settings.recordsUnackedMax / 4);
  const counters = new CounterReports({ connections, records, pieceMax });
  setInterval(() => counters.tell(), settings.countersIntervalMs).unref();
  // A connection that speaks within its first moment is told of at the end of the second.
  setInterval(() => counters.tellFirst(), Math.ceil(settings.firstCountersMs / 2)).unref();
  setInterval(() => send({ kind: 'alive' }), settings.heartbeatMs).unref();
  send({ kind: 'ready' });
}

async function answer(number: number, request: Request, { records }: EchoContext): Promise<void> {
  try {
    const bound = await act(request);
    records.flushAll();
    send({ kind: 'done', number, bound });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    send({ kind: 'failed', number, code });
  }
}

function newListener(binding: Binding, echo: EchoContext): EchoListener {
  if (binding.protocol !== 'udp') return new TcpListener(binding, echo);
  udpGuards ??= new UdpGuards(echo.settings, echo.clock);
  return new UdpListener(binding, echo, udpGuards);
}

async function act(request: Request): Promise<BoundSocket | null> {
  if (context === null) throw new TypeError('a request before the start');
  if (request.kind === 'open') return await open(request, context);
  if (request.kind === 'close_connection') {
    const reason = request.mode === 'fin' ? 'operator_fin' : 'operator_rst';
    context.connections.get(request.connectionId)?.close(request.mode, 'operator', reason);
    return null;
  }
  // What comes while a listener is being bound is meant for it all the same.
  await opening.get(request.listenerId);
  const listener = listeners.get(request.listenerId);
  if (request.kind === 'serve') listener?.serve();
  else if (request.kind === 'update') listener?.update(request);
  else {
    await listener?.close(request.drainMs, request.reason);
    listeners.delete(request.listenerId);
  }
  return null;
}

async function open(
  { binding, share }: Extract<Request, { kind: 'open' }>,
  echo: EchoContext,
): Promise<BoundSocket> {
  const listener = newListener(binding, echo);
  const bound = listener.bind(share);
  const { listenerId } = binding;
  opening.set(
    listenerId,
    bound.then(
      () => undefined,
      () => undefined,
    ),
  );
  try {
    const socket = await bound;
    listeners.set(listenerId, listener);
    return socket;
  } finally {
    opening.delete(listenerId);
  }
}

process.on('message', (command: Command) => {
  if (command.kind === 'start') start(command.settings);
  else if (context === null) throw new TypeError('a command before the start');
  else if (command.kind === 'committed') context.records.committed(command.batch);
  else void answer(command.number, command.request, context);
});
