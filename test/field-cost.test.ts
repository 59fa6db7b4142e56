/**
 * What a field costs whoever adds one: the files that must name it so that it gets from a socket, or from a caller, to
 * the database and to both edges. What is done with a field besides is no part of that, and stands here by name.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Field {
  readonly of: string;
  readonly name: string;
  /** The files, or folders, that do something with it. */
  readonly users: readonly string[];
}

/**
 * A connection's: core, the worker, the resource, the proto, the schema and its migration. A listener's: the same with its
 * binding and its input in place of the worker, and a second proto for what may be asked for.
 */
// One of them is where what comes of other hosts is checked.
const placesMax: Readonly<Record<string, { elsewhere: number; postgres: number }>> = {
  connection: { elsewhere: 7, postgres: 5 },
  listener: { elsewhere: 9, postgres: 2 },
};

const fields: readonly Field[] = [
  { of: 'connection', name: 'firstByteAt', users: [] },
  { of: 'connection', name: 'lastByteAt', users: [] },
  {
    of: 'connection',
    name: 'halfClosedAt',
    users: ['src/core/recorder.ts', 'src/core/resource-audit.ts'],
  },
  {
    of: 'connection',
    name: 'declaredRaddr',
    users: [
      'src/api/queries.ts',
      'src/core/activity-log.ts',
      'src/core/connection-filter.ts',
      'src/core/directories.ts',
      'src/core/event-filter.ts',
      'proto/kodama/v1/connection_service.proto',
      'src/echo/preamble/',
      'src/echo/greeting.ts',
    ],
  },
  {
    of: 'listener',
    name: 'recording',
    users: [
      'src/core/resource-audit.ts',
      'src/echo/tcp/',
      'src/echo/udp/',
      'src/listeners-file/listener-spec.ts',
    ],
  },
  {
    of: 'listener',
    name: 'totalConnections',
    users: ['src/core/activity-log.ts', 'src/core/listener-', 'src/core/listeners.ts'],
  },
];

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const sources = globSync(
  ['src/**/*.ts', 'prisma/schema.prisma', 'prisma/migrations/**/*.sql', 'proto/**/*.proto'],
  { cwd: root },
)
  // What the command and the console show of a thing is chosen there; as JSON both have what the API has.
  .filter((path) => !/\.test\.ts$|^src\/(cli|console)\//.test(path));

/** A comment may speak of a field. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)(\/\/|--).*$/gm, '');
}

function placesOf(name: string): readonly string[] {
  const inSnakeCase = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const named = new RegExp(`\\b(${name}|${inSnakeCase})\\b`);
  return sources.filter((path) => named.test(codeOf(read(path)))).sort();
}

/** A field comes with one migration; what later ones do to its column is no part of that. */
function placeOf(path: string): string {
  return path.startsWith('prisma/migrations/') ? 'a migration' : path;
}

test.each(fields)('$name of a $of is named in few files', ({ of, name, users }) => {
  const places = placesOf(name);
  for (const path of [`src/core/${of}.ts`, `proto/kodama/v1/${of}.proto`, 'prisma/schema.prisma']) {
    expect(places).toContain(path);
  }
  const isUser = (path: string) => users.some((user) => path.startsWith(user));
  const idle = users.filter((user) => !places.some((path) => path.startsWith(user)));
  expect(idle, 'no file of these names it').toEqual([]);
  const carriers = [...new Set(places.filter((path) => !isUser(path)).map(placeOf))];
  const inPostgres = carriers.filter((path) => path.startsWith('src/postgres/'));
  const elsewhere = carriers.filter((path) => !path.startsWith('src/postgres/'));
  const max = placesMax[of];
  expect(elsewhere.length, elsewhere.join('\n')).toBeLessThanOrEqual(max?.elsewhere ?? 0);
  expect(inPostgres.length, inPostgres.join('\n')).toBeLessThanOrEqual(max?.postgres ?? 0);
});
