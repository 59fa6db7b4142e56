/** An agent under attack, behind a network of its own that leads to one replica after the other. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { LastingProcess } from './lasting-process.ts';
import { signal } from './processes.ts';

const mainFile = join(import.meta.dirname, '../../src/agent/main.ts');

export interface AgentProcessOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly joinToken: string;
  /** Of the replicas' gateways. */
  readonly gatewayPorts: readonly number[];
}

/** When it was cut off, slow or frozen: performance.now(); an end of null is now. */
export interface Trouble {
  readonly from: number;
  to: number | null;
}

export class AgentProcess extends LastingProcess {
  readonly name: string;
  readonly network: TcpProxy;
  readonly troubles: Trouble[] = [];

  private constructor({ name, dataDir, joinToken }: AgentProcessOptions, network: TcpProxy) {
    const url = `http://127.0.0.1:${network.port}`;
    super({
      what: 'agent',
      words: [mainFile, '--join', url, '--name', name],
      expectedErrors: new Set(),
      environment: {
        KODAMA_DATA_DIR: dataDir,
        KODAMA_JOIN_TOKEN: joinToken,
        KODAMA_LISTEN_HOST: '127.0.0.1',
        KODAMA_WORKERS: '1',
      },
    });
    this.name = name;
    this.network = network;
  }

  static async begin(options: AgentProcessOptions): Promise<AgentProcess> {
    let turn = 0;
    const { gatewayPorts } = options;
    const network = await startTcpProxy(() => {
      turn += 1;
      return connect(gatewayPorts[turn % gatewayPorts.length] ?? 0, '127.0.0.1');
    });
    const agent = new AgentProcess(options, network);
    agent.live();
    return agent;
  }

  /** Its host: itself and its workers. */
  async frozen(work: () => Promise<void>): Promise<void> {
    const pids = [this.pid ?? 0, ...this.workers()].filter((pid) => pid > 0);
    for (const pid of pids) signal(pid, 'SIGSTOP');
    try {
      await this.inTrouble(work);
    } finally {
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
  }

  async inTrouble(work: () => Promise<void>): Promise<void> {
    const trouble: Trouble = { from: performance.now(), to: null };
    this.troubles.push(trouble);
    try {
      await work();
    } finally {
      trouble.to = performance.now();
    }
  }

  override crash(): void {
    const now = performance.now();
    this.troubles.push({ from: now, to: now });
    super.crash();
  }

  override async kill(): Promise<void> {
    await super.kill();
    await this.network[Symbol.asyncDispose]();
  }
}
