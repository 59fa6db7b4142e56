/** A kodama with a gateway over TLS, as in production, and agents in processes of their own; all on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeSelfSigned } from '../src/tls/certificates.ts';
import { benchDir } from './compile.ts';
import { Kodama, stopChild } from './kodama.ts';
import { processTree } from './process-stats.ts';
import { restClient } from './rest.ts';

const readyTimeoutMs = 60_000;
const agentMain = join(benchDir, '../src/agent/main.ts');

export interface JoinToken {
  readonly secret: string;
  readonly joinUrl: string;
}

/** What a node may tell is not what is measured. */
const unlimited = { KODAMA_NODE_RECORDS_PER_SECOND: '1000000' };

export async function startReplica(
  resources: AsyncDisposableStack,
  environment: Readonly<Record<string, string>> = {},
): Promise<Kodama> {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-bench-gateway-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const { cert, key } = await makeSelfSigned('127.0.0.1', 30);
  const [certPath, keyPath] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  await writeFile(certPath, cert, { mode: 0o600 });
  await writeFile(keyPath, key, { mode: 0o600 });
  const gateway = {
    KODAMA_GATEWAY_PORT: '0',
    KODAMA_GATEWAY_TLS_CERT: certPath,
    KODAMA_GATEWAY_TLS_KEY: keyPath,
  };
  const all = { ...unlimited, ...gateway, ...environment };
  return resources.use(await Kodama.start({ environment: all }));
}

/** Of the project, which is there. */
export async function joinTokenOf(kodama: Kodama, project = 'default'): Promise<JoinToken> {
  const rest = restClient(kodama.httpPort, { 'kodama-project': project });
  try {
    return await rest.post('/v1/join-tokens', { uses: 10 });
  } finally {
    rest.close();
  }
}

export class BenchAgent implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #dataDir: string;

  private constructor(name: string, child: ChildProcess, dataDir: string) {
    this.name = name;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#dataDir = dataDir;
  }

  /** Resolves once the node is ready. */
  static async start(
    kodama: Kodama,
    { name, project = 'default' }: { readonly name: string; readonly project?: string },
  ): Promise<BenchAgent> {
    const { secret, joinUrl } = await joinTokenOf(kodama, project);
    const dataDir = await mkdtemp(join(tmpdir(), 'kodama-bench-agent-'));
    const child = spawn(process.execPath, [agentMain, '--join', joinUrl, '--name', name], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        KODAMA_JOIN_TOKEN: secret,
        KODAMA_DATA_DIR: dataDir,
        KODAMA_LISTEN_HOST: '127.0.0.1',
        KODAMA_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const agent = new BenchAgent(name, child, dataDir);
    const rest = restClient(kodama.httpPort, { 'kodama-project': project });
    try {
      const deadline = performance.now() + readyTimeoutMs;
      const stateOf = () =>
        rest.get<{ readonly state: string }>(`/v1/nodes/${name}`).catch(() => null);
      while ((await stateOf())?.state !== 'ready' || agent.workerPids().length === 0) {
        if (performance.now() > deadline) throw new Error(`node ${name} did not come`);
        await delay(50);
      }
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    } finally {
      rest.close();
    }
    return agent;
  }

  workerPids(): readonly number[] {
    return processTree(this.pid).filter((pid) => pid !== this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.#child);
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
