/** A network namespace of a test's own (ip-netns(8)); it takes the right to administer networks. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Asked } from './namespace-hands.ts';

const handsFile = join(import.meta.dirname, 'namespace-hands.ts');
const connectTimeoutMs = 60_000;

interface Answer {
  readonly number: number;
  readonly local?: Connected['local'];
  readonly error: string | null;
}

export interface Connected {
  readonly socket: Socket;
  /** As it was while it was open. */
  readonly local: { readonly ip: string; readonly port: number };
}

export class NetworkNamespace implements AsyncDisposable {
  readonly name: string;
  /** What stands before the words of a program that is to run there. */
  readonly enter: readonly string[];
  readonly #waiting = new Map<number, PromiseWithResolvers<Connected>>();
  readonly #hands: ChildProcess;
  #last = 0;

  /** Throws where this user may not make one. */
  constructor(role: string) {
    this.name = `kodama-${process.pid}-${role}`;
    this.enter = ['ip', 'netns', 'exec', this.name];
    run('ip', ['netns', 'add', this.name]);
    this.ip('link', 'set', 'dev', 'lo', 'up');
    const [program = '', ...words] = [...this.enter, process.execPath, handsFile];
    this.#hands = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#hands.on('message', (answer: Answer, socket?: Socket) => this.#take(answer, socket));
    this.#hands.on('exit', () => this.#fail());
  }

  /** As ip(8) does it there. */
  ip(...words: readonly string[]): void {
    run('ip', ['-n', this.name, ...words]);
  }

  /** As the program does it there. */
  run(program: string, words: readonly string[], input = ''): void {
    const [enter = '', ...rest] = this.enter;
    run(enter, [...rest, program, ...words], input);
  }

  /** A wire to another one; each end has an address, and a prefix of 30 bits. */
  wire(device: string, ip: string, other: NetworkNamespace, otherDevice: string, otherIp: string) {
    const peer = ['peer', 'name', otherDevice, 'netns', other.name];
    this.ip('link', 'add', 'name', device, 'type', 'veth', ...peer);
    for (const [end, name, address] of [
      [this, device, ip],
      [other, otherDevice, otherIp],
    ] as const) {
      end.ip('addr', 'add', `${address}/30`, 'dev', name);
      end.ip('link', 'set', 'dev', name, 'up');
    }
  }

  /** A connection of that namespace, in this process. */
  async connect({ ip, port }: { readonly ip: string; readonly port: number }): Promise<Connected> {
    this.#last += 1;
    const number = this.#last;
    const waiting = Promise.withResolvers<Connected>();
    this.#waiting.set(number, waiting);
    const late = () => waiting.reject(new Error(`no connection to ${ip}:${port} in time`));
    const timer = setTimeout(late, connectTimeoutMs);
    try {
      this.#ask({ number, ip, port });
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
  }

  /** Leads the port of loopback outside to the same one inside. */
  async relay(port: number): Promise<void> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await new Promise<void>((resolve, reject) => {
      const asked: Asked = { relay: port };
      this.#hands.send(asked, server, (error) => (error === null ? resolve() : reject(error)));
    });
    // It is the hands' alone.
    server.close();
  }

  #ask(asked: Asked): void {
    this.#hands.send(asked);
  }

  #take({ number, local, error }: Answer, socket?: Socket): void {
    const waiting = this.#waiting.get(number);
    if (socket === undefined || local === undefined) {
      waiting?.reject(new Error(error ?? 'no connection came'));
    } else if (waiting === undefined) socket.destroy();
    else waiting.resolve({ socket, local });
  }

  #fail(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`${this.name} is gone`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isRunning = this.#hands.exitCode === null && this.#hands.signalCode === null;
    if (isRunning && this.#hands.kill('SIGKILL')) await once(this.#hands, 'exit');
    run('ip', ['netns', 'del', this.name]);
  }
}

/** Those of test processes that were killed. */
export function removeStaleNamespaces(): void {
  for (const name of readdirSync('/run/netns')) {
    const pid = /^kodama-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) run('ip', ['netns', 'del', name]);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function run(program: string, words: readonly string[], input = ''): void {
  execFileSync(program, words, { input, stdio: 'pipe' });
}
