/** The data plane over worker processes, by itself: what it told, and listeners on it. */
import { readConfig } from '../../src/config.ts';
import type { ListenerReason } from '../../src/core/listener.ts';
import type { Binding, Bound } from '../../src/core/ports.ts';
import { type DataPlaneLimits, WorkerDataPlane } from '../../src/workers/worker-data-plane.ts';
import { keepingLogger, sampleId, sampleNewListener } from './samples.ts';

interface PlaneOptions extends Partial<DataPlaneLimits> {
  readonly workers?: number;
  /** Called within each word of sockets that changed. */
  readonly onRebound?: (plane: WorkerDataPlane) => void;
}

export async function startPlane({ workers = 1, onRebound, ...limits }: PlaneOptions) {
  const rebound: (Bound | ListenerReason)[] = [];
  const opened: { readonly workerId: string; readonly connectionId: string }[] = [];
  const logger = keepingLogger();
  const plane: WorkerDataPlane = await WorkerDataPlane.start({
    workers,
    nodeId: 'node-1',
    log: logger,
    // No test is about the pause between two starts.
    limits: { ...readConfig({}).dataPlane, restartMinMs: 1, ...limits },
    onFatal(error) {
      throw error;
    },
    events: {
      async onRecords(workerId, records) {
        for (const record of records) {
          if (record.kind === 'opened')
            opened.push({ workerId, connectionId: record.connection.id });
        }
      },
      onWorkerLost: () => undefined,
      onRebound(_, outcome) {
        rebound.push(outcome);
        onRebound?.(plane);
      },
    },
  });
  return {
    plane,
    rebound,
    /** Where each connection was opened. */
    opened,
    logger,
    /** The pids of the workers that were lost. */
    get lost(): readonly unknown[] {
      const lines = logger.lines.filter(({ message }) => message.startsWith('a worker was lost'));
      return lines.map(({ fields }) => 'workerPid' in fields && fields.workerPid);
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

export function sampleBinding(number: number, given: Partial<Binding> = {}): Binding {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  return { ...spec, tls: null, tlsKey: null, ...given, listenerId: sampleId(number) };
}

/** A listener that echoes; resolves with its port. */
export async function listen(
  plane: WorkerDataPlane,
  number: number,
  given: Partial<Binding> = {},
): Promise<number> {
  const binding = sampleBinding(number, given);
  const { laddr } = await plane.open(binding);
  await plane.serve(binding.listenerId);
  return laddr.port;
}

export function listenAll(plane: WorkerDataPlane, count: number): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => listen(plane, number)));
}

export const pidOf = (plane: WorkerDataPlane): number | undefined => plane.status()[0]?.pid;

export function kill(plane: WorkerDataPlane): void {
  process.kill(pidOf(plane) ?? 0, 'SIGKILL');
}
