/** The programs of pages, run as they stand, and those of docs/clients.md through a network that fails once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, type TestContext } from 'vitest';
import type { RunningApp } from './test-app.ts';

const root = join(import.meta.dirname, '../..');

export interface Language {
  /** As the fence of its code names it. */
  readonly fence: string;
  readonly program: string;
  readonly words: readonly string[];
}

export const python: Language = { fence: 'python', program: 'python3', words: [] };
export const go: Language = { fence: 'go', program: 'go', words: ['run'] };
export const typescript: Language = { fence: 'ts', program: process.execPath, words: [] };
export const shell: Language = { fence: 'sh', program: 'bash', words: [] };
/** Of what only bash can do. */
export const bash: Language = { fence: 'bash', program: 'bash', words: [] };

export function blocks(fence: string, name = 'docs/clients.md'): string[] {
  const page = readFileSync(join(root, name), 'utf8');
  const pattern = new RegExp(`^\`\`\`${fence}\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...page.matchAll(pattern)].map(([, block = '']) => block);
}

/** Runs a block of the page; a language that is not installed is told as the reason of a skipped test. */
export async function runBlock(
  { skip }: TestContext,
  { fence, program, words }: Language,
  block: string,
  ports: { readonly http: number; readonly grpc?: number },
  environment: Readonly<Record<string, string>> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-clients-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, `client.${fence === 'ts' ? 'mts' : fence}`);
  const source = block
    .replaceAll(/\b8080\b/g, String(ports.http))
    .replaceAll(/\b50051\b/g, String(ports.grpc));
  await writeFile(file, source);
  const url = { KODAMA_URL: `http://127.0.0.1:${ports.http}` };
  const env = { ...process.env, ...url, ...environment };
  const child = spawn(program, [...words, file], { cwd: root, timeout: 50_000, env });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  try {
    // Not 'close': a curl that a script leaves behind has the same stderr, and lives until its next heartbeat.
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(code, stderr).toBe(0);
    return { stdout, stderr };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') skip(`${program} is not installed`);
    throw error;
  }
}

/** In front of an edge: the first stream of events is cut off behind its second line, in the middle of the third. */
async function cutOffOnce(port: number) {
  const starts: string[] = [];
  const handled: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    const upstream = request({ port, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      const [, start] = /afterSeq=(\d+)/.exec(url) ?? [];
      if (start !== undefined) starts.push(start);
      if (start === undefined || starts.length > 1) return answer.pipe(outgoing);
      let text = '';
      return answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        const [lines] = /^(?:.*\n){2}/.exec(text) ?? [];
        if (lines === undefined || handled.length > 0) return;
        handled.push(...[...lines.matchAll(/^\{"seq":(\d+)/gm)].map(([, seq = '']) => seq));
        outgoing.write(`${lines}{"seq":9`, () => outgoing.destroy());
      });
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    /** Where each stream began. */
    starts,
    /** The seqs that came before the cut. */
    handled,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

/** The program sees a connection to its end, though its stream is cut off. */
export async function expectSeenToTheEnd(
  app: RunningApp,
  language: Language,
  context: TestContext,
): Promise<void> {
  await using network = await cutOffOnce(app.httpPort);
  const [block = ''] = blocks(language.fence);
  const { stdout, stderr } = await runBlock(context, language, block, { http: network.port });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'connection_opened',
    'connection_closed',
  ]);
  expect(network.handled).toHaveLength(2);
  expect(network.starts).toEqual(['0', network.handled[1]]);
}
