/**
 * The architecture as a test. `core` says what kodama is and `faults` what a fault is, and they know no technology;
 * each technology folder knows core and itself; only app.ts and edges.ts join them. What a linter cannot say about the
 * tree stands here too.
 *
 *   server.ts ─► app.ts ─► edges.ts ─► http grpc ─► api ─► core ─► faults      config.ts ─► core
 *                  └───► postgres echo workers ───────────────────┘      workers ─► echo/{messages,message-bundle,record-rows}.ts
 *   cli/main.ts ─► core, listeners-file, the words of nodes and keys, and the types of http/*resources.ts: it speaks REST
 *                       └─► api/listener-input.ts: a file is checked as the API checks it
 *   console/main.tsx ─► the same types, and what is pure of core: it runs in a browser
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { longest } from './support/longest-first.ts';

/** What each folder or root file of src may import, apart from itself. Whatever is not named is refused. */
const mayImport: Readonly<Record<string, RegExp>> = {
  faults: /^$/,
  core: /^faults\//,
  tenancy: /^core\//,
  fleet: /^(core|tenancy)\//,
  gateway:
    /^((core|edge-sockets|fleet|wire)\/|grpc\/(call-bounds|call-streams|identity-only)\.ts$)/,
  agent:
    /^(core|fleet|node|wire|workers)\/|^echo\/(messages|record-rows)\.ts$|^(command-line|config|limits|program)\.ts$/,
  wire: /^(core\/|echo\/record-rows\.ts$)/,
  api: /^(core|faults|fleet|tenancy)\//,
  http: /^(core|api|edge-sockets|fleet|tenancy)\//,
  grpc: /^(core|api|edge-sockets|fleet|tenancy)\//,
  'edge-sockets': /^(core\/address(-rates)?|tls\/tls-answers)\.ts$/,
  tls: /^core\//,
  metrics: /^(core|fleet)\//,
  postgres: /^(core|fleet|tenancy)\//,
  'embedded-postgres': /^(core\/ports|node\/(trusted-path|data-dir-lock|folder-socket))\.ts$/,
  echo: /^(core|faults)\/|^tls\/tls-answers\.ts$/,
  workers: /^(core\/|echo\/(message-bundle|messages|record-rows)\.ts$)/,
  node: /^(core\/errors|config)\.ts$/,
  'listeners-file':
    /^(core\/|faults\/|http\/resources\.ts$|(api\/(listener-input|parse)|tls\/certificates)\.ts$)/,
  cli: /^(core\/|faults\/|listeners-file\/|http\/((fleet|tenancy)-)?resources\.ts$|(fleet\/node|tenancy\/api-key|command-line|join-lines|plain-text)\.ts$)/,
  console:
    /^(http\/((fleet|tenancy)-)?resources|core\/(connection|event|listener|time)|faults\/fields)\.ts$|^(join-lines|plain-text)\.ts$/,
  'config.ts':
    /^(core\/|node\/data-dir\.ts$|postgres\/(database-url|store-limits)\.ts$|(edge-settings|limits|secret-settings|unknown-variables)\.ts$)/,
  'edge-settings.ts': /^(core\/|limits\.ts$)/,
  'limits.ts': /^$/,
  'command-line.ts': /^$/,
  'output.ts': /^$/,
  'log-text.ts': /^plain-text\.ts$/,
  'join-lines.ts': /^$/,
  'plain-text.ts': /^$/,
  'program.ts': /^(config|log-text|output|node\/start-error)\.ts$/,
  'secret-settings.ts': /^$/,
  'unknown-variables.ts': /^core\/nearest-word\.ts$/,
  'fleet-parts.ts':
    /^(banner|config|edges|gateway-certificate)\.ts$|^(core|edge-sockets|fleet|gateway)\/|^node\/start-error\.ts$/,
  'banner.ts': /^core\//,
  'restore-mark.ts': /^(config|(embedded-postgres|node|postgres)\/[a-z-]+)\.ts$/,
  'gateway-certificate.ts':
    /^(config|core\/(address|ports)|edge-sockets\/edge-tls|(node|tls)\/[a-z-]+)\.ts$/,
  'heap.ts': /^$/,
  'applied-file.ts':
    /^(api|core|listeners-file)\/|^http\/resource-json\.ts$|^node\/start-error\.ts$/,
  'edges.ts':
    /^(api|core|edge-sockets|fleet|grpc|http|tenancy)\/|^(applied-file|config|command-line|node\/start-error)\.ts$/,
  'app.ts': /^(?!(main|server)\.ts$)/,
  'server.ts':
    /^((app|banner|command-line|config|program|restore-mark|heap)|node\/(compiled|ephemeral-ports)|core\/address)\.ts$/,
  'main.ts': /^(server|node\/compiled)\.ts$/,
};
/** The packages of the folders that know no technology, and of workers, which start often: others may use any. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  console: ['preact', 'preact/hooks', '@preact/signals'],
  core: [],
  faults: [],
  tenancy: ['uuid'],
  fleet: [],
  echo: ['koffi'],
};
/** The one folder of generated code that a folder of src may use. */
const generatedFor: Readonly<Record<string, string>> = { postgres: 'prisma' };
const forbiddenNames =
  /^(index|utils?|helpers?|common|manager|base)\.|-(utils?|helpers?|manager|base)\./;
const linesMax = 300;
const spineLinesMax = 5500;
/** Lines of what is read in each folder of src, and in its root: who needs more room says so here. */
const folderLinesMax: Readonly<Record<string, number>> = {
  src: 2350,
  api: 2925,
  cli: 7270,
  core: 10180,
  agent: 1700,
  console: 10730,
  echo: 7430,
  'edge-sockets': 370,
  'embedded-postgres': 880,
  faults: 1460,
  fleet: 1950,
  gateway: 1145,
  grpc: 2780,
  http: 4810,
  'listeners-file': 760,
  metrics: 320,
  node: 550,
  postgres: 8100,
  tenancy: 1550,
  tls: 520,
  wire: 670,
  workers: 1140,
};

const root = join(import.meta.dirname, '..');
const isTest = (path: string): boolean => path.endsWith('.test.ts');
const sources = globSync('src/**/*.{ts,tsx}', { cwd: root }).sort();
const tests = [...sources.filter(isTest), ...globSync('test/**/*.ts', { cwd: root }).sort()];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const linesOf = (path: string): number => read(path).split('\n').length - 1;

/** The text without comments: a comment may speak of what code may not do. */
const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

function importsOf(text: string): string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;
  return [...codeOf(text).matchAll(pattern)].map((match) => match[2] ?? '');
}

/** Why `path` may not import `specifier`, or undefined where it may. */
function importFault(path: string, specifier: string): string | undefined {
  const place = path.split('/')[1]?.replace(/\.test\.ts$/, '.ts') ?? '';
  const allowed = mayImport[place];
  if (allowed === undefined) return `${path}: src/${place} has no place in the architecture`;
  if (!specifier.startsWith('.')) {
    const isOfNode = specifier.startsWith('node:') && place !== 'console';
    const packages = isTest(path) || isOfNode ? undefined : packagesOf[place];
    if (packages === undefined || packages.includes(specifier)) return undefined;
    return `${path}: ${place} may not use ${specifier}`;
  }
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  // A test may stand on what the product is configured with, and on a PostgreSQL.
  if (isTest(path) && /^(test\/|src\/config\.ts$|src\/embedded-postgres\/)/.test(target))
    return undefined;
  const inside = target.startsWith('src/') ? target.slice('src/'.length) : `../${target}`;
  if (
    inside === place ||
    inside.startsWith(`${place}/`) ||
    inside.startsWith(`../generated/${generatedFor[place]}/`) ||
    (!inside.startsWith('../') && allowed.test(inside))
  )
    return undefined;
  return `${path}: ${place} may not import ${target}`;
}

function faultsOf(paths: readonly string[], pattern: RegExp, rule: string): string[] {
  return paths.filter((path) => pattern.test(codeOf(read(path)))).map((path) => `${path}: ${rule}`);
}

test('the walk finds the tree that it judges', () => {
  expect(sources).toContain('src/core/errors.ts');
  expect(tests).toContain('test/tidy.test.ts');
  expect(sources.flatMap((path) => importsOf(read(path)))).not.toHaveLength(0);
});

test('the rules refuse what they are there to refuse', () => {
  const refused: [string, string][] = [
    ['src/core/event.ts', 'zod'],
    ['src/core/event.ts', '../postgres/store.ts'],
    ['src/faults/latency.ts', 'zod'],
    ['src/echo/worker-main.ts', 'zod'],
    ['src/faults/latency.ts', '../core/fault.ts'],
    ['src/http/server.ts', '../grpc/server.ts'],
    ['src/echo/messages.ts', '../workers/pool.ts'],
    ['src/workers/worker-pool.ts', '../echo/tcp-echo.ts'],
    ['src/server.ts', './http/server.ts'],
    ['src/cli/main.ts', '../http/http-server.ts'],
    ['src/console/api.ts', 'node:net'],
    ['src/console/api.ts', '../core/address.ts'],
    ['src/shared/misc.ts', 'zod'],
  ];
  expect(refused.filter(([path, specifier]) => importFault(path, specifier) === undefined)).toEqual(
    [],
  );
  const all = `import a from 'a';\nimport 'b';\nexport {\n  c,\n} from './c.ts';\nawait import('d'); // from 'e'`;
  expect(importsOf(all)).toEqual(['a', 'b', './c.ts', 'd']);
});

test('every import keeps to the architecture', () => {
  const faults = sources.flatMap((path) =>
    importsOf(read(path)).map((each) => importFault(path, each)),
  );
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

test('the command loads nothing of the edge that it speaks to', () => {
  const paths = sources.filter((path) => /^src\/(cli|listeners-file)\//.test(path));
  const pattern = /\bimport (?!type\b)[^;]*from '\.\.\/http\//;
  expect(faultsOf(paths, pattern, 'of http only types')).toEqual([]);
});

test('the console loads nothing that a browser has not', () => {
  const paths = sources.filter((path) => path.startsWith('src/console/') && !isTest(path));
  const ofServer = /\bimport (?!type\b)[^;]*from '\.\.\/http\//;
  const ofNode =
    /\b(process|Buffer|require|__dirname)\b(?=[.(])|\bimport\.meta\.(dirname|filename)\b/;
  const ofMarkup =
    /\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write)\b/;
  expect([
    ...faultsOf(paths, ofServer, 'of http only types'),
    ...faultsOf(paths, ofNode, 'a browser has no such thing'),
    ...faultsOf(paths, ofMarkup, 'text becomes markup'),
  ]).toEqual([]);
  // Whatever the pure files of core import for their values would come along.
  const loaded = new Set(
    paths.flatMap((path) =>
      [...codeOf(read(path)).matchAll(/\bimport (?!type\b)[^;]*from '\.\.\/(core\/[^']+)'/g)].map(
        ([, target = '']) => `src/${target}`,
      ),
    ),
  );
  expect(faultsOf([...loaded], /\bimport (?!type\b)/, 'it is not pure')).toEqual([]);
});

test('no imports go round in a circle, of types neither', () => {
  const files = sources.filter((path) => !isTest(path));
  const targetsOf = (path: string) =>
    importsOf(read(path))
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => new URL(specifier, `file:///${path}`).pathname.slice(1));
  let left = new Map(files.map((path) => [path, targetsOf(path)]));
  // Whoever imports none of those that are left is in no circle among them.
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    left = new Map([...left].filter(([, targets]) => targets.some((target) => left.has(target))));
  }
  expect([...left.keys()]).toEqual([]);
});

test('core meets no socket', () => {
  const paths = sources.filter((path) => path.startsWith('src/core/') && !isTest(path));
  const pattern = /\b(createServer|createConnection|connect|Server|Socket)\b[^;]*from 'node:net'/;
  expect(faultsOf(paths, pattern, 'core says what kodama is, not what it is made with')).toEqual(
    [],
  );
});

test('the environment is read in four files', () => {
  const readers = /^src\/(config|main|agent\/main|cli\/environment)\.ts$/;
  const paths = sources.filter((path) => !isTest(path) && !readers.test(path));
  const pattern = /\bprocess\.env\b|\benv\b[^;]*from 'node:process'/;
  expect(
    faultsOf(
      paths,
      pattern,
      'only config.ts, or for the command cli/environment.ts, reads the environment',
    ),
  ).toEqual([]);
});

test('the files that begin first are there', () => {
  expect(longest.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('files are short and named for what they hold', () => {
  const long = sources.filter((path) => !isTest(path) && linesOf(path) > linesMax);
  expect(long.map((path) => `${path}: ${linesOf(path)} lines, at most ${linesMax}`)).toEqual([]);
  const vague = [...sources, ...tests].filter((path) => forbiddenNames.test(basename(path)));
  expect(vague.map((path) => `${path}: named for nothing that it holds`)).toEqual([]);
});

test('tests all run, and none sleeps', () => {
  const sleep =
    /\bsetTimeout\(resolve\b|\bwaitForTimeout\b|\bawait (sleep|delay|setTimeout)\((\d{3}|\d+_)/;
  const faults = [
    ...faultsOf(tests, /\.(only|skip)\(/, 'a test is skipped or run alone'),
    ...faultsOf(tests.filter(isTest), sleep, 'a test sleeps: wait for a condition'),
  ];
  expect(faults).toEqual([]);
});

test('an operation is said in few files', () => {
  const hand = [
    // Who calls them as a client does says none of them.
    ...sources.filter((path) => !isTest(path) && path !== 'src/applied-file.ts'),
    ...globSync('proto/**/*.proto', { cwd: root }),
  ];
  for (const [name, method] of [
    ['updateListener', 'UpdateListener'],
    ['deleteListener', 'DeleteListener'],
    ['listEvents', 'ListEvents'],
  ]) {
    const named = new RegExp(`\\b(${name}|${method})\\b`);
    const places = hand.filter((path) => named.test(codeOf(read(path))));
    // The use case, the table, a binding for each edge, and the proto.
    expect(places.length, `${name}: ${places.join(' ')}`).toBeLessThanOrEqual(5);
  }
});

test('no folder grows unseen', () => {
  const sums: Record<string, number> = {};
  for (const path of sources.filter((path) => !isTest(path))) {
    const [, place = '', ...inside] = path.split('/');
    const folder = inside.length === 0 ? 'src' : place;
    sums[folder] = (sums[folder] ?? 0) + linesOf(path);
  }
  expect(Object.keys(sums).sort()).toEqual(Object.keys(folderLinesMax).sort());
  const over = Object.entries(sums).filter(([folder, sum]) => sum > (folderLinesMax[folder] ?? 0));
  const told = over.map(
    ([folder, sum]) => `${folder}: ${sum} lines, at most ${folderLinesMax[folder]}`,
  );
  expect(told).toEqual([]);
});

test('the spine is read in an afternoon', () => {
  const [, chapter = ''] = read('docs/architecture.md').split('## In which order to read');
  const [order = ''] = chapter.split('## ');
  const paths = [...order.matchAll(/`(src\/[^`]+\.ts)`/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(30);
  const count = paths.reduce((sum, path) => sum + linesOf(path), 0);
  expect(count).toBeLessThanOrEqual(spineLinesMax);
});
