/** A kodama under attack. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../support/wait-for.ts';
import { LastingProcess, type LogLine } from './lasting-process.ts';
import { childrenOf, commandOf, sharedMemoryOf, signal } from './processes.ts';

const mainFile = join(import.meta.dirname, '../../src/main.ts');
const readyTimeoutMs = 60_000;

export interface KodamaProcessOptions {
  readonly dataDir: string;
  /** The cluster of its PostgreSQL, wherever that runs. */
  readonly cluster: string;
  /** Its PostgreSQL is its own child, and ends with it. */
  readonly isEmbedded: boolean;
  readonly ports: { readonly http: number; readonly grpc: number };
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node, which workers get too. */
  readonly nodeOptions?: readonly string[];
  /** What stands before Node, to start it elsewhere, where its ports of loopback are to be reached from here. */
  readonly enter?: readonly string[];
}

const expectedErrors = new Set([
  'PostgreSQL ended, starting it again',
  'PostgreSQL could not be started again',
  // Of nodes whose networks are cut at once; metric and status tell it, too.
  'too many nodes are overdue at once',
]);

export class KodamaProcess extends LastingProcess {
  readonly url: string;
  readonly grpcAddress: string;
  /** Shared memory that its PostgreSQL has used. */
  readonly sharedMemory = new Set<string>();
  /** When nodes came to it, by their names: times of day in ms. */
  readonly arrivals: { readonly node: string; readonly at: number }[] = [];
  readonly #options: Pick<KodamaProcessOptions, 'cluster' | 'isEmbedded'>;

  constructor(options: KodamaProcessOptions) {
    const { dataDir, ports, environment, nodeOptions = [], enter } = options;
    super({
      what: 'control_plane',
      words: [...nodeOptions, mainFile],
      enter,
      expectedErrors,
      environment: {
        KODAMA_DATA_DIR: dataDir,
        KODAMA_HTTP_PORT: String(ports.http),
        KODAMA_GRPC_PORT: String(ports.grpc),
        ...environment,
      },
    });
    this.#options = options;
    this.url = `http://127.0.0.1:${ports.http}`;
    this.grpcAddress = `127.0.0.1:${ports.grpc}`;
  }

  protected override told({ msg, node }: LogLine): void {
    if (msg === 'a node has come') this.arrivals.push({ node: String(node), at: Date.now() });
  }

  async begin(): Promise<void> {
    this.live();
    await this.ready();
  }

  async isReady(): Promise<boolean> {
    try {
      const reply = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3000) });
      // What is not read keeps its connection.
      await reply.text();
      return reply.status === 200;
    } catch {
      return false;
    }
  }

  /** Resolves with how long that took. */
  async ready(): Promise<number> {
    const begun = performance.now();
    const died = this.life.then(() => Promise.reject(new Error('kodama was ended')));
    died.catch(() => undefined);
    await Promise.race([waitFor('kodama to be ready', () => this.isReady(), readyTimeoutMs), died]);
    const postmaster = this.postmaster();
    for (const name of postmaster === null ? [] : sharedMemoryOf(postmaster)) {
      this.sharedMemory.add(name);
    }
    return performance.now() - begun;
  }

  postmaster(): number | null {
    try {
      const text = readFileSync(join(this.#options.cluster, 'postmaster.pid'), 'utf8');
      const pid = Math.abs(Number(text.split('\n')[0]));
      return pid > 0 ? pid : null;
    } catch {
      return null;
    }
  }

  backends(): readonly number[] {
    const postmaster = this.postmaster();
    return postmaster === null ? [] : childrenOf(postmaster);
  }

  override async kill(): Promise<void> {
    await super.kill();
    const postmaster = this.#options.isEmbedded ? this.postmaster() : null;
    if (postmaster !== null && commandOf(postmaster).includes('postgres')) {
      signal(postmaster, 'SIGQUIT');
    }
  }
}
