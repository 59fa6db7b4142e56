/** The README, taken at its word: its tour is run as it stands, its table is held against the configuration. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { settings } from '../src/config.ts';
import { freePort } from './chaos/free-port.ts';
import { type RunningApp, startApp } from './support/test-app.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');

function section(title: string): string {
  const [, text = ''] = readme.split(`\n## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

interface Step {
  readonly comment: string;
  /** The lines below the comment, as they stand. */
  readonly commands: string;
}

/** A step is a comment and the lines below it, up to an empty line. */
function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split(/\n\n/))
    .map((step) => {
      const lines = step.trim().split('\n');
      const isComment = (line: string) => line.startsWith('# ');
      return {
        comment: lines.filter(isComment).join(' ').replaceAll('# ', ''),
        commands: lines.filter((line) => !isComment(line)).join('\n'),
      };
    });
}

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** All steps in one bash, as a user pastes them; nothing of them is changed but the ports. */
async function paste(steps: readonly Step[], app: RunningApp): Promise<Outcome[]> {
  const mark = (index: number) => `printf '\\n<end of %d: %d>\\n' ${index} $?`;
  const lines = steps.flatMap(({ commands }, index) => [commands, mark(index)]);
  const ports = await freePorts(new Set(lines.join('\n').match(/\b90\d\d\b/g)));
  const script = ['exec 2>&1', ...lines]
    .join('\n')
    .replaceAll(/\b8080\b/g, String(app.httpPort))
    .replaceAll(/\b50051\b/g, String(app.grpcPort))
    .replaceAll(/\b90\d\d\b/g, (port) => String(ports.get(port)));
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: root,
    env: { ...process.env, KODAMA_URL: app.url },
    timeout: 150_000,
  });
  const parts = stdout.split(/\n<end of \d+: (\d+)>\n/);
  return steps.map((_, index) => ({
    output: parts[2 * index] ?? '',
    code: Number(parts[2 * index + 1]),
  }));
}

/** One for each that is named. */
async function freePorts(names: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const free = await Promise.all([...names].map(async (name) => [name, await freePort()] as const));
  return new Map(free);
}

/** What the comment of each step promises, held against all that it printed. */
type Promises = readonly (readonly [comment: RegExp, check: (output: string) => void])[];

const address = '127\\.0\\.0\\.1:\\d+';

/** The cells of a table of one row, by their titles. */
function rowOf(output: string): Record<string, string> {
  const [titles = '', row = '', ...rest] = output.trim().split('\n');
  expect(rest, output).toEqual([]);
  const cells = row.split(/ {2,}/);
  return Object.fromEntries(titles.split(/ {2,}/).map((title, at) => [title, cells[at] ?? '']));
}

const tour: Promises = [
  [/^`npx kodama` is the command/, (output) => expect(output).toBe('')],
  [
    /^An echo server on port 9000/,
    (output) => {
      expect(rowOf(output)).toMatchObject({ NAME: 'tour', PROTOCOL: 'tcp', STATE: 'listening' });
    },
  ],
  [/^Connect and talk/, (output) => expect(output.trim()).toBe('hello')],
  [
    /^The accepted socket/,
    (output) => {
      const row = rowOf(output);
      expect(row).toMatchObject({ LISTENER: 'tour', STATE: 'open' });
      expect(row.PID).toMatch(/^\d+$/);
      expect(row.FD).toMatch(/^\d+$/);
      expect(row.RADDR).toMatch(new RegExp(`^${address}$`));
      expect(row.RADDR).not.toBe(row.LADDR);
    },
  ],
  [
    /^Hang up, and wait until/,
    (output) => {
      expect(output.trim()).toMatch(/ closed +6 +6 +\S+ s +peer_fin by peer\nmet: 1, at seq \d+$/);
    },
  ],
  [/^Any other client/, (output) => expect(output).toMatch(/^(\S*nc\nhello again\n?)?$/)],
  [
    /^The log: every step/,
    (output) => {
      const types = output.split('\n').map((line) => line.trim().split(/ {2,}/)[2]);
      const life = ['listener_created', 'listener_listening', 'connection_opened'];
      expect(types.slice(0, 4)).toEqual([...life, 'connection_closed']);
      expect(output).toMatch(/^ +1 {2}/);
    },
  ],
  [
    /^What the command prints as JSON/,
    (output) => {
      const { connections } = JSON.parse(output);
      const ending = { closeReason: 'peer_fin', closeInitiator: 'peer', bytesIn: 6, bytesOut: 6 };
      expect(connections).toContainEqual(expect.objectContaining(ending));
    },
  ],
  [
    /^The stream as a gRPC client sees it/,
    (output) => {
      expect(output).toMatch(/^1 \S+Z listener_created/m);
      expect(output).toMatch(/ connection_closed .* peer_fin, 6 B in, 6 B out$/m);
    },
  ],
  [
    /^A listener for as long as a program runs/,
    (output) => {
      expect(output).toMatch(/^listening on \S+ {2}\(short, tcp\)$/m);
      expect(output).toMatch(/^hi$/m);
      expect(output.trim()).toMatch(/\nclosed short: 1 connection, 3 bytes in, 3 out$/);
    },
  ],
  [/^The end: the port is free/, (output) => expect(output).toBe('closed tour\n')],
];

/** The table of the listener that was made or changed, then what came back. */
function madeAnd(output: string) {
  const [titles = '', row = '', ...rest] = output.split('\n');
  return { listener: rowOf(`${titles}\n${row}\n`), rest: rest.join('\n').trim() };
}

const more: Promises = [
  [
    /^A slow network/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener.FAULTS).toBe('latency 300ms');
      expect(rest).toBe('hello');
    },
  ],
  [
    /^Another fault for the same connection/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener.FAULTS).toBe('limit 5B:fin');
      expect(rest).toBe('hello');
    },
  ],
  [/^UDP/, (output) => expect(madeAnd(output).rest).toBe('ping')],
  [/^TLS/, (output) => expect(madeAnd(output).rest).toMatch(/^GET \/am-i-heard HTTP/)],
  [
    /^A PROXY header/,
    (output) => {
      expect(JSON.parse(madeAnd(output).rest)).toMatchObject({
        declaredRaddr: { ip: '203.0.113.7', port: 5555 },
        raddr: { ip: '127.0.0.1' },
      });
    },
  ],
  [
    /^All of it as a file/,
    (output) => {
      const { listeners } = parse(output);
      const names = listeners.map(({ name }: { name: string }) => name);
      expect(names).toEqual(['slow', 'datagrams', 'secure', 'balanced']);
      expect(listeners[0].faults).toEqual([{ type: 'limit', bytes: 5 }]);
    },
  ],
  [
    /^The end of them all/,
    (output) => {
      const closed = output.trim().split('\n').toSorted();
      expect(closed).toEqual([
        'closed balanced',
        'closed datagrams',
        'closed secure',
        'closed slow',
      ]);
    },
  ],
];

const sections = [
  { title: 'A tour', promises: tour },
  { title: 'Faults, UDP, TLS, and who is behind the load balancer', promises: more },
];

test('every line of the tour, and of what comes after it, works as it stands and does what its comment says', async () => {
  await using app = await startApp();
  const steps = sections.flatMap(({ title, promises }) => {
    const told = stepsOf(section(title));
    expect(told, title).toHaveLength(promises.length);
    return told;
  });
  const promises = sections.flatMap((each) => each.promises);
  const outcomes = await paste(steps, app);
  for (const [index, { comment }] of steps.entries()) {
    const [pattern, check] = promises[index] ?? [];
    expect(comment).toMatch(pattern ?? 'no promise');
    expect(outcomes[index]?.code, comment).toBe(0);
    check?.(outcomes[index]?.output ?? '');
  }
});

test('the table of variables is what the configuration reads, each with its default', () => {
  const words = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, w = '']) => w);
  const rows = section('Configuration')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|'));
  const documented = rows.flatMap(([, names = '', defaults = '']) =>
    words(names).map((name, index) => [name, words(defaults)[index] ?? null]),
  );
  const defaults: Record<string, unknown> = settings.parse({});
  const read = Object.keys(settings.shape).map((name) => {
    const value = defaults[name];
    return [name, value === undefined ? null : String(value)];
  });
  expect(documented.toSorted()).toEqual(read.toSorted());
});

test('every script and file that the documents name is there', () => {
  const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
  const { scripts } = manifest.parse(JSON.parse(read('package.json')));
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
  for (const document of documents) {
    const text = read(document);
    for (const [, name = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g)) {
      expect(scripts, `${document}: npm run ${name}`).toHaveProperty([name]);
    }
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      const path = join(root, dirname(document), target);
      expect(existsSync(path), `${document} links to ${target}`).toBe(true);
    }
  }
});
