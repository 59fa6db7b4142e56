/**
 * Makes what is published: in dist/ the packages `kodama` and `kodama-client`, as folders and packed.
 *
 *   dist/kodama/         this tree, with JavaScript in place of TypeScript: below node_modules Node strips no types
 *   dist/kodama-client/  clients/typescript in JavaScript, with its types
 *
 * No lifecycle script of npm takes part, so that `ignore-scripts` changes nothing; and the manifests here are private,
 * so that nobody publishes sources by mistake. `bin/kodama.js` runs whichever it finds beside it, so a dist/ that has
 * gone stale is never run in a clone.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readCommandLine } from '../src/command-line.ts';

const root = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

interface Package {
  readonly name: string;
  readonly from: string;
  /** What compiles it, and where to within the package. */
  readonly project: string;
  readonly compiledTo: string;
  /** What is in it as it stands; of a folder, all that is no TypeScript. */
  readonly copied: readonly string[];
}

const packages: readonly Package[] = [
  {
    name: 'kodama',
    from: root,
    project: 'tsconfig.package.json',
    compiledTo: '.',
    copied: [
      ...['README.md', 'LICENSE', 'bin', 'src'],
      ...['generated/console', 'generated/grpc', 'prisma/migrations', 'proto/kodama'],
    ],
  },
  {
    name: 'kodama-client',
    from: join(root, 'clients/typescript'),
    project: 'tsconfig.build.json',
    compiledTo: 'dist',
    copied: ['README.md', '../../LICENSE'],
  },
];

const usage = `npm run package [-- --out FOLDER]

Makes and packs the packages kodama and kodama-client, in dist/ or in FOLDER.`;

const { values } = readCommandLine({ usage, options: { out: { type: 'string' } } });
const out = resolve(values.out ?? join(root, 'dist'));
await mkdir(out, { recursive: true });
for (const each of packages) await make(each);

async function make({ name, from, project, compiledTo, copied }: Package): Promise<void> {
  const to = join(out, name);
  await rm(to, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const words = ['--project', join(from, project), '--outDir', join(to, compiledTo)];
  await run(process.execPath, [tsc, ...words]);
  for (const path of copied) {
    const source = join(from, path);
    const target = join(to, path.replace(/^(\.\.\/)+/, ''));
    await cp(source, target, { recursive: true, filter: isServed });
  }
  await writeFile(join(to, 'package.json'), `${await manifestOf(from)}\n`);
  const packed = await run('npm', ['pack', to, '--pack-destination', out, '--json']);
  const [{ filename, size, entryCount }] = JSON.parse(packed.stdout);
  console.log(`${join(out, filename)}: ${size} bytes, ${entryCount} files`);
}

/** The sources of the console are in its script. */
function isServed(file: string): boolean {
  return extname(file) !== '.ts' && file !== join(root, 'src/console');
}

/** Without what only those need who work on it. */
async function manifestOf(from: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'));
  const { private: _, scripts, devDependencies, workspaces, ...published } = manifest;
  return JSON.stringify(published, null, 2);
}
