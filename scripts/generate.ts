/**
 * Writes the committed files that are made from others, or with `--check` fails with a list of those that
 * have gone stale. `npm run generate -- grpc` limits it to the named targets.
 *
 *   prisma    prisma/schema.prisma  →  generated/prisma/
 *   grpc      proto/kodama/v1/      →  generated/grpc/: descriptors for reflection
 *             src/grpc/google/rpc/  →  the same, of what the details of errors are
 *   openapi   the routes' schemas   →  openapi.json
 *   client    openapi.json          →  clients/typescript/src/contract.ts
 *   console   src/console/          →  generated/console/: the page, its script and its style
 *
 * Both modes generate into a staging folder first and compare, so that a failing generator changes nothing.
 * The staging folder lies in node_modules, where generated code still finds the packages that it imports.
 */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readCommandLine } from '../src/command-line.ts';
import { faultKindsOf } from './fault-kinds.ts';

const root = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

interface Target {
  /** The file or folder that the target owns whole, from the root. */
  readonly output: string;
  /** Writes `output` below the staging folder instead of the root. */
  readonly generate: (staging: string) => Promise<void>;
}

const targets: Readonly<Record<string, Target>> = {
  prisma: { output: 'generated/prisma', generate: generatePrisma },
  grpc: { output: 'generated/grpc', generate: generateGrpc },
  openapi: { output: 'openapi.json', generate: generateOpenApi },
  client: { output: 'clients/typescript/src/contract.ts', generate: generateClient },
  console: { output: 'generated/console', generate: generateConsole },
};

const usage = `npm run generate [-- prisma | grpc | openapi | client | console …] [--check]

Writes the committed files that are made from others; with --check it only says which are stale.`;

const { values, words } = readCommandLine({
  usage,
  options: { check: { type: 'boolean', default: false } },
  words: Object.keys(targets),
});
const names = words.length > 0 ? words : Object.keys(targets);
const staleCount = await main(names, values.check);
if (values.check && staleCount > 0) {
  console.error(
    `${staleCount} generated files are stale: run \`npm run generate\` and commit the result.`,
  );
  process.exitCode = 1;
}

async function main(targetNames: readonly string[], isCheck: boolean): Promise<number> {
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true });
  const staging = await mkdtemp(join(root, 'node_modules/.cache/generate-'));
  try {
    let count = 0;
    for (const name of targetNames) {
      const target = targets[name];
      if (target === undefined) throw new TypeError(`no target ${name}`);
      await target.generate(staging);
      const stale = await staleFiles(join(staging, target.output), join(root, target.output));
      for (const file of stale)
        console.log(`${isCheck ? 'stale' : 'wrote'}: ${join(target.output, file)}`);
      if (!isCheck && stale.length > 0) await replace(staging, target.output);
      count += stale.length;
    }
    return count;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The schema names its output from its own place, so a staged copy of it generates into the staging folder. */
async function generatePrisma(staging: string): Promise<void> {
  const schema = join(staging, 'prisma/schema.prisma');
  await cp(join(root, 'prisma/schema.prisma'), schema);
  await runPackage('prisma/build/index.js', ['generate', '--schema', schema, '--no-hints']);
}

async function generateGrpc(staging: string): Promise<void> {
  // Sets of files, end to end, are one. What several of them import is in it several times: reflection reads one.
  const sources = ['proto', 'node_modules/grpc-health-check/proto', 'src/grpc'];
  const sets = sources.map((_, index) => join(staging, `${index}.binpb`));
  for (const [index, source] of sources.entries()) {
    const output = ['--as-file-descriptor-set', '-o', sets[index] ?? ''];
    // What agents speak is no part of the public API.
    const left = source === 'proto' ? ['--exclude-path', 'proto/kodama/fleet'] : [];
    await runPackage('@bufbuild/buf/bin/buf', ['build', source, ...left, ...output]);
  }
  const descriptors = Buffer.concat(await Promise.all(sets.map((set) => readFile(set))));
  await mkdir(join(staging, 'generated/grpc'), { recursive: true });
  await writeFile(join(staging, 'generated/grpc/descriptors.binpb'), descriptors);
}

async function generateOpenApi(staging: string): Promise<void> {
  const { openApiDocument } = await import('../src/http/openapi-document.ts');
  const document = await openApiDocument();
  await writeFile(join(staging, 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
}

/** The generator works with an older TypeScript than ours, and has a workspace of its own for it. */
async function generateClient(staging: string): Promise<void> {
  const output = join(staging, 'clients/typescript/src/contract.ts');
  const program = '../scripts/openapi-client/node_modules/openapi-typescript/bin/cli.js';
  await runPackage(program, [join(root, 'openapi.json'), '--output', output]);
}

/** A script, what it shares with what it loads later, and these, under fixed names. */
async function generateConsole(staging: string): Promise<void> {
  const { build } = await import('vite');
  const source = join(root, 'src/console');
  const output = join(staging, 'generated/console');
  await build({
    root: source,
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    define: {
      'process.env.NODE_ENV': '"production"',
      builtFaultKinds: JSON.stringify(faultKindsOf()),
    },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: output,
      emptyOutDir: false,
      target: 'es2024',
      modulePreload: false,
      rolldownOptions: {
        input: join(source, 'main.tsx'),
        output: {
          entryFileNames: 'console.js',
          chunkFileNames: 'console-[name].js',
          codeSplitting: {
            groups: [
              // What edits faults is large: two parts of the page have it, and its first look has not.
              { name: 'shared', minShareCount: 2, test: /^(?!.*\/console\/fault-)/, priority: 1 },
              { name: 'faults', minShareCount: 2 },
            ],
          },
        },
      },
    },
  });
  await cp(join(source, 'index.html'), join(output, 'index.html'));
  const styles = ['console.css', 'pages.css'].map((file) => readFile(join(source, file), 'utf8'));
  await writeFile(join(output, 'console.css'), (await Promise.all(styles)).join('\n'));
}

/** Runs a package's program on this very Node, whichever one PATH would find. */
async function runPackage(program: string, args: readonly string[]): Promise<void> {
  const file = join(root, 'node_modules', program);
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  await run(process.execPath, [file, ...args], { cwd: root, env });
}

/** The files that differ between two trees, or are in one of them only. */
async function staleFiles(fresh: string, committed: string): Promise<string[]> {
  const [wanted, found] = await Promise.all([readTree(fresh), readTree(committed)]);
  if (wanted.size === 0) throw new Error(`nothing was generated into ${fresh}`);
  const paths = new Set([...wanted.keys(), ...found.keys()]);
  return [...paths].filter((path) => wanted.get(path) !== found.get(path)).sort();
}

/** Content by path for a folder, one nameless entry for a file, nothing for what does not exist. */
async function readTree(path: string): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR') return undefined;
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries === undefined) return tree.set('', await readFile(path, 'utf8'));
  for (const entry of entries.filter((each) => each.isFile())) {
    const file = join(entry.parentPath, entry.name);
    tree.set(file.slice(path.length + 1), await readFile(file, 'utf8'));
  }
  return tree;
}

async function replace(staging: string, output: string): Promise<void> {
  await rm(join(root, output), { recursive: true, force: true });
  await mkdir(dirname(join(root, output)), { recursive: true });
  await cp(join(staging, output), join(root, output), { recursive: true });
}
