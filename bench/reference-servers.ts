/** The servers that kodama is held against. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { benchDir, compile } from './compile.ts';
import { cpuSeconds } from './process-stats.ts';

export type ReferenceName = 'c' | 'go' | 'pipe' | 'udp' | 'dgram' | 'tls' | 'fastify';

/** Something that serves, mostly an echo, and what it has cost so far. */
export interface EchoServer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** The process that holds the sockets. */
  readonly pid: number;
  /** Of the processes that hold the sockets. */
  cpuSeconds(): number;
}

const commands: Readonly<Record<ReferenceName, () => string[] | null>> = {
  c: () => compiled('reference/epoll-echo.c'),
  go: () => compiled('reference/go-echo.go'),
  pipe: () => [process.execPath, join(benchDir, 'reference/pipe-echo.ts')],
  udp: () => compiled('reference/udp-echo.c'),
  dgram: () => [process.execPath, join(benchDir, 'reference/dgram-echo.ts')],
  tls: () => [process.execPath, join(benchDir, 'reference/tls-echo.ts')],
  fastify: () => [process.execPath, join(benchDir, 'reference/bare-fastify.ts')],
};

function compiled(file: string): string[] | null {
  const program = compile(file);
  return program === null ? null : [program];
}

/** Null where its compiler is missing. */
export async function startReference(name: ReferenceName): Promise<EchoServer | null> {
  const [program, ...args] = commands[name]() ?? [];
  if (program === undefined) {
    console.log(`  ${name}: skipped, no compiler`);
    return null;
  }
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const pid = child.pid ?? 0;
  return {
    name,
    port: Number(first.value),
    pid,
    cpuSeconds: () => cpuSeconds([pid]),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
