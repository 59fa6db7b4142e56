/** The README, taken at its word: its tour is run as it stands, its table is held against the configuration. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { settings } from '../src/config.ts';
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

/** All steps in one bash, as a user pastes them; nothing of them is changed but the two ports. */
async function paste(steps: readonly Step[], app: RunningApp): Promise<Outcome[]> {
  const mark = (index: number) => `printf '\\n<end of %d: %d>\\n' ${index} $?`;
  const lines = steps.flatMap(({ commands }, index) => [commands, mark(index)]);
  const script = lines
    .join('\n')
    .replaceAll(/\b8080\b/g, String(app.httpPort))
    .replaceAll(/\b50051\b/g, String(app.grpcPort));
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], {
    cwd: root,
    timeout: 50_000,
  });
  expect(stderr).toBe('');
  const parts = stdout.split(/\n<end of \d+: (\d+)>\n/);
  return steps.map((_, index) => ({
    output: parts[2 * index] ?? '',
    code: Number(parts[2 * index + 1]),
  }));
}

const kodamaLaddr = { ip: '127.0.0.1', port: expect.any(Number) };

/** What the comment of each step promises, held against what it printed. */
type Promises = readonly (readonly [comment: RegExp, check: (output: string) => void])[];

const tour: Promises = [
  [
    /^An echo server on a port/,
    (output) => {
      expect(JSON.parse(output)).toMatchObject({
        name: 'tour',
        labels: { env: 'demo' },
        state: 'listening',
        laddr: kodamaLaddr,
      });
    },
  ],
  [/^Its port/, (output) => expect(output.trim()).toMatch(/^\d{4,5}$/)],
  [/^Connect and talk/, (output) => expect(output.trim()).toBe('hello')],
  [
    /^The accepted socket/,
    (output) => {
      const { connections } = JSON.parse(output);
      expect(connections).toMatchObject([
        { laddr: kodamaLaddr, raddr: kodamaLaddr, pid: expect.any(Number), fd: expect.any(Number) },
      ]);
    },
  ],
  [
    /^Hang up, and look again/,
    (output) => {
      const { connections } = JSON.parse(output);
      const ending = { closeReason: 'peer_fin', closeInitiator: 'peer', bytesIn: 6, bytesOut: 6 };
      expect(connections).toMatchObject([{ state: 'closed', ...ending }]);
    },
  ],
  [/^Any other client/, (output) => expect(output).toMatch(/^(\S*nc\nhello again\n?)?$/)],
  [
    /^The log: every step/,
    (output) => {
      const { events } = JSON.parse(output);
      const types = events.map(({ type }: { type: string }) => type);
      const life = ['listener_created', 'listener_listening', 'connection_opened'];
      expect(types.slice(0, 4)).toEqual([...life, 'connection_closed']);
      expect(events[0].seq).toBe(1);
    },
  ],
  [
    /^The same as a stream/,
    (output) => {
      const lines = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines[0]).toMatchObject({ seq: 1, event: { type: 'listener_created' } });
      expect(lines.at(-1)).toEqual({ seq: lines.length - 1, synced: {} });
    },
  ],
  [
    /^The stream as a gRPC client sees it/,
    (output) => {
      expect(output).toMatch(/^1 \S+Z listener_created/m);
      expect(output).toMatch(/ connection_closed .* peer_fin, 6 B in, 6 B out$/m);
    },
  ],
  [/^The end/, (output) => expect(output).toBe('')],
];

/** The listener as created or changed, then what came back. */
function madeAnd(output: string): { readonly listener: unknown; readonly rest: string } {
  const end = endOfObject(output);
  return { listener: JSON.parse(output.slice(0, end)), rest: output.slice(end) };
}

/** Where the first object ends: what follows may stand right behind it. */
function endOfObject(text: string): number {
  let depth = 0;
  for (const [index, character] of [...text].entries()) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return text.length;
}

const more: Promises = [
  [/^The port of a listener/, (output) => expect(output).toBe('')],
  [
    /^A slow network/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener).toMatchObject({ faults: [{ type: 'latency', delayMs: 300 }] });
      expect(rest.trim()).toBe('hello');
    },
  ],
  [
    /^Another fault for the same connection/,
    (output) => {
      const { listener, rest } = madeAnd(output);
      expect(listener).toMatchObject({ faults: [{ type: 'limit', bytes: 5 }] });
      expect(rest.trim()).toBe('hello');
    },
  ],
  [/^UDP/, (output) => expect(madeAnd(output).rest.trim()).toBe('ping')],
  [/^TLS/, (output) => expect(madeAnd(output).rest).toMatch(/^\n?GET \/am-i-heard HTTP/)],
  [
    /^A PROXY header/,
    (output) => {
      expect(JSON.parse(madeAnd(output).rest)).toMatchObject({
        declaredRaddr: { ip: '203.0.113.7', port: 5555 },
        raddr: { ip: '127.0.0.1' },
      });
    },
  ],
  [/^The end of them all/, (output) => expect(output).toBe('')],
];

const sections = [
  { title: 'A tour', promises: tour },
  { title: 'Faults, UDP, TLS, and who is behind the load balancer', promises: more },
];

test('every line of the tour, and of what comes after it, works as it stands and does what its comment says', async () => {
  await using app = await startApp();
  for (const { title, promises } of sections) {
    const steps = stepsOf(section(title));
    expect(steps, title).toHaveLength(promises.length);
    const outcomes = await paste(steps, app);
    for (const [index, { comment }] of steps.entries()) {
      const [pattern, check] = promises[index] ?? [];
      expect(comment).toMatch(pattern ?? 'no promise');
      expect(outcomes[index]?.code, comment).toBe(0);
      check?.(outcomes[index]?.output ?? '');
    }
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
