/** The scripts in the shells that they are for, each where it is installed. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { type TemporaryFolder, temporaryFolder } from '../../test/support/temporary-folder.ts';
import { completionScript } from './completion-command.ts';
import { buildProgram } from './program.ts';

const program = buildProgram(
  { url: 'http://127.0.0.1:8080', token: null, project: null, caCert: null, isColorRefused: false },
  () => async () => undefined,
);

/** What is written, and what may come then; the last word is the one that is being written. */
const lines: readonly (readonly [line: readonly string[], words: readonly string[] | null])[] = [
  [['stat'], ['status']],
  [['l'], ['listen', 'listeners', 'login', 'ls']],
  [['help', 'wa'], ['wait']],
  [['hel'], ['help']],
  [['help', 'keys', 'ren'], ['rename']],
  [['help', 'join-token', 'cr'], ['create']],
  [
    ['wait', '--m'],
    ['--min-bytes-in', '--min-bytes-out'],
  ],
  // The states of a listener are not those of a connection.
  [['listeners', '--state', 'f'], ['failed']],
  [['connections', '--state', 'h'], ['half_closed']],
  [['conns', '--close-reason', 'peer_f'], ['peer_fin']],
  [['events', '-o', 'j'], ['json']],
  [['events', '--type', 'connection_o'], ['connection_opened']],
  [['events', 'wa'], ['wait']],
  [['events', 'wait', '--se'], ['--settle']],
  [['events', 'wait', '--type', 'connection_r'], ['connection_refused']],
  // What a create alone has is hidden.
  [
    ['set', 'alpha', '--n'],
    ['--name', '--no-faults', '--no-labels', '--no-name'],
  ],
  [['set', 'alpha', '--ttl', 'n'], ['none']],
  [['create', '--proxy-t'], ['--proxy-trusted']],
  [['listen', '--proxy-trusted', 'a'], ['any']],
  // A part of a command has flags of its own.
  [['keys', 'ro'], ['rotate']],
  [['keys', 'rotate', '--ov'], ['--overlap']],
  [['projects', 'create', 'team-a', '--d'], ['--display-name']],
  [['keys', '--op'], ['--operators']],
  [['join-token', 'create', '--sh'], ['--shared']],
  [['nodes', 'unc'], ['uncordon']],
  [['--output', 'w'], ['wide']],
  [['--url', 'http://kodama', 'versi'], ['version']],
  [['--url', 'get', 'completion', 'z'], ['zsh']],
  [
    ['get', ''],
    ['alpha', 'beta'],
  ],
  [['delete', 'alpha', 'b'], ['beta']],
  [['events', '--listener', 'a'], ['alpha']],
  [
    ['nodes', 'cordon', ''],
    ['far', 'near'],
  ],
  [['create', '--node', 'n'], ['near']],
  [['projects', 'set', 't'], ['team-a']],
  [['--project', 't'], ['team-a']],
  [['keys', 'rotate', 'c'], ['ci']],
  // A new one has a name that nobody has.
  [['keys', 'create', 'c'], []],
  // A value that has no words is no file.
  [['create', '--name', 'listeners.y'], []],
  // Files, and what is another program's, the shell knows by itself.
  [['apply', '--file', 'listeners.y'], null],
  [['listen', '--', 'get', 'listeners.y'], null],
];

const names = { listener: 'alpha beta', node: 'far near', project: 'team-a', key: 'ci' };
const answers = Object.entries(names).map(
  ([of, words]) => `if test "$argv" = "__complete ${of}"; then printf '%s\\n' ${words}; fi`,
);
const kodama = answers.join('; ').replaceAll('$argv', '$*');
const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

const shells = {
  bash: {
    before: `kodama() { ${kodama}; }`,
    ask: (line: readonly string[]) => `COMP_WORDS=(kodama ${quoted(line)})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_kodama; echo "\${COMPREPLY[@]-}"`,
  },
  zsh: {
    // Only its editor can complete: what it would be given is printed instead.
    before: `kodama() { ${kodama}; }
compdef() { echo "$@" }
_files() { echo }
compadd() { shift; local at; local -a fit; for at in "$@"; do [[ $at = "\${words[CURRENT]}"* ]] && fit+=($at); done; echo $fit }`,
    ask: (line: readonly string[]) => `words=(kodama ${quoted(line)}); CURRENT=\${#words}
_kodama`,
  },
  fish: {
    before: `function kodama; ${answers.join('; ').replaceAll('; then', ';').replaceAll('fi;', 'end;').replace(/fi$/, 'end')}; end`,
    ask: (line: readonly string[]) =>
      `echo (complete -C ${quoted([['kodama', ...line].join(' ')])} | string split -f 1 \\t)`,
  },
} as const;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'listeners.yaml'), '');
  return () => folder[Symbol.asyncDispose]();
});

describe.each(Object.entries(shells))('%s', (shell, { before, ask }) => {
  const isThere = spawnSync(shell, ['--version']).error === undefined;

  test.runIf(isThere)('completes commands, flags, their values, and names', long, async () => {
    const asked = lines.map(([line]) => ask(line));
    const script = [before, completionScript(shell, program), ...asked].join('\n');
    const run = promisify(execFile);
    const { stdout, stderr } = await run(shell, ['-c', script], { cwd: folder.path });
    expect(stderr).toBe('');
    const answers = stdout.split('\n').slice(shell === 'zsh' ? 1 : 0, -1);
    const told = answers.map((answer) => answer.trim().split(' ').toSorted().join(' '));
    // Fish finds files itself, bash and zsh behind the script.
    const files = shell === 'fish' ? 'listeners.yaml' : '';
    const expected = lines.map(([, words]) => words?.join(' ') ?? files);
    expect(told).toEqual(expected);
  });
});
