/** gRPC subscribers: counting ones in a process of their own, and one in this process that reads what it gets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { benchDir } from './compile.ts';

export interface Replay {
  readonly events: number;
  readonly seconds: number;
  readonly clientSeconds: number;
}

function start(...args: readonly (string | number)[]) {
  const child = spawn(
    process.execPath,
    [join(benchDir, 'load/subscriber.ts'), ...args.map(String)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('the subscriber ended early');
    return value;
  };
  return { child, nextLine };
}

/** Reads everything after the seq, up to the head. */
export async function replay(grpcPort: number, afterSeq: number): Promise<Replay> {
  return JSON.parse(await start('replay', grpcPort, afterSeq).nextLine()) as Replay;
}

export class LiveSubscribers {
  readonly #child: ChildProcess;
  readonly #nextLine: () => Promise<string>;

  private constructor(child: ChildProcess, nextLine: () => Promise<string>) {
    this.#child = child;
    this.#nextLine = nextLine;
  }

  /** Resolves when all follow the head. */
  static async start(grpcPort: number, count: number): Promise<LiveSubscribers> {
    const { child, nextLine } = start('live', grpcPort, count);
    if (count > 0 && (await nextLine()) !== 'ready') throw new Error('no stream');
    return new LiveSubscribers(child, nextLine);
  }

  /** How many events each has seen. */
  async end(): Promise<readonly number[]> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const counts = JSON.parse(await this.#nextLine()) as readonly number[];
    await exited;
    return counts;
  }
}

/** What a client sees of a StreamEventsResponse, with the loader's options below. */
export interface EventMessage {
  readonly payload: 'event' | 'synced' | 'heartbeat';
  readonly event?: {
    readonly type: string;
    readonly connection?: {
      readonly raddr: { readonly ip: string; readonly port: number };
      readonly acceptedAt: { readonly seconds: number; readonly nanos: number };
    };
  };
}

/** Follows the log, of the key's project, from now on; returns when it does. */
export async function follow(
  grpcPort: number,
  onMessage: (message: EventMessage) => void,
  key?: string,
): Promise<() => void> {
  const definition = loadSync('kodama/v1/event_service.proto', {
    includeDirs: [join(benchDir, '../proto')],
    longs: Number,
    enums: String,
    oneofs: true,
  });
  const { kodama } = loadPackageDefinition(definition) as unknown as {
    kodama: { v1: { EventService: ServiceClientConstructor } };
  };
  const client = new kodama.v1.EventService(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const metadata = new Metadata();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  const stream = client.StreamEvents?.({ fromNow: true }, metadata);
  stream.on('error', () => {});
  await new Promise<void>((resolve) => {
    stream.on('data', (message: EventMessage) => {
      if (message.payload === 'synced') resolve();
      onMessage(message);
    });
  });
  return () => {
    stream.cancel();
    client.close();
  };
}

/** By the server's clock, in microseconds; null where the message tells of no connection that was opened. */
export function acceptedUs({ event }: EventMessage): number | null {
  if (event?.type !== 'EVENT_TYPE_CONNECTION_OPENED' || event.connection === undefined) return null;
  const { seconds, nanos } = event.connection.acceptedAt;
  return seconds * 1e6 + Math.round(nanos / 1000);
}

/** The system's clock in microseconds, set where Date.now() steps to its next millisecond. */
export function wallClock(): () => number {
  const start = Date.now();
  let now = start;
  while (now === start) now = Date.now();
  const origin = now - performance.now();
  return () => Math.round((origin + performance.now()) * 1000);
}
