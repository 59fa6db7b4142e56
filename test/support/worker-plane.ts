/** The data plane over worker processes, by itself: what it told, and listeners on it. */
import { readConfig } from '../../src/config.ts';
import type { Binding, Observed } from '../../src/core/ports.ts';
import { defaultProject } from '../../src/core/project.ts';
import { type DataPlaneLimits, WorkerDataPlane } from '../../src/workers/worker-data-plane.ts';
import { freePort } from './free-port.ts';
import { keepingLogger, sampleId, sampleNewListener } from './samples.ts';
import { openClient, talk } from './tcp-client.ts';

interface PlaneOptions extends Partial<DataPlaneLimits> {
  readonly workers?: number;
  /** Called within each word of what is observed. */
  readonly onObserved?: (plane: WorkerDataPlane, observed: Observed) => void;
}

export async function startPlane({ workers = 1, onObserved, ...limits }: PlaneOptions) {
  const observed: Observed[] = [];
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
      onObserved(one) {
        observed.push(one);
        onObserved?.(plane, one);
      },
    },
  });
  return {
    plane,
    /** In order. */
    observed,
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
  const own = { tls: null, tlsKey: null, project: defaultProject };
  return { ...spec, ...own, ...given, listenerId: sampleId(number) };
}

/** A listener that echoes, on a port that is its own while no worker has it; resolves with the port. */
export async function listen(
  plane: WorkerDataPlane,
  number: number,
  given: Partial<Binding> = {},
): Promise<number> {
  const binding = sampleBinding(number, { port: await freePort(), ...given });
  const { laddr } = await plane.open(binding);
  await plane.wish({ generation: 1, binding });
  return laddr.port;
}

/** Ends the wish of a listener, which is observed as gone. */
export function end(plane: WorkerDataPlane, number: number): void {
  const { listenerId } = sampleBinding(number);
  plane.endWish({ listenerId, generation: 9, drainMs: 0 });
}

export function listenAll(plane: WorkerDataPlane, count: number): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => listen(plane, number)));
}

/** How many listeners were last observed on each of these workers, by pid. */
export function countOn(pids: readonly number[], observed: readonly Observed[]): number {
  const last = [...new Map(observed.map((one) => [one.listenerId, one])).values()];
  return last.filter((one) => {
    const sockets = one.state === 'bound' ? one.sockets : [];
    return pids.every((pid) => sockets.some((socket) => socket.pid === pid));
  }).length;
}

export const pidOf = (plane: WorkerDataPlane): number | undefined => plane.status()[0]?.pid;

/** Null until there are so many. */
export function pidsOf(plane: WorkerDataPlane, count: number): readonly number[] | null {
  const pids = plane.status().map(({ pid }) => pid);
  return pids.length === count ? pids : null;
}

export function kill(plane: WorkerDataPlane): void {
  process.kill(pidOf(plane) ?? 0, 'SIGKILL');
}

export const isEchoed = async (port: number): Promise<boolean> =>
  (await talk(port, 'x').catch(() => '')) === 'x';

export function goneIn(observed: readonly Observed[]): number {
  return observed.filter(({ state }) => state === 'gone').length;
}

/** How many sockets the listener that was observed last has. */
export function partsOf(observed: readonly Observed[]): number {
  const last = observed.at(-1);
  return last?.state === 'bound' ? last.sockets.length : 0;
}

/** Clients that are let in, of so many that connect one after the other and stay. */
export async function letIn(
  port: number,
  count: number,
  clients: AsyncDisposableStack,
): Promise<number> {
  let echoed = 0;
  for (let n = 0; n < count; n++) {
    const client = await openClient(port).catch(() => null);
    if (client === null) continue;
    clients.use(client);
    const isEchoed = client.echo('x').then(
      () => true,
      () => false,
    );
    if (await Promise.race([isEchoed, client.ended.then(() => false)])) echoed += 1;
  }
  return echoed;
}
