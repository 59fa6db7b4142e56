import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from './program.ts';

const environment = {
  url: 'http://127.0.0.1:8080',
  token: null,
  project: null,
  caCert: null,
  isColorRefused: false,
};
const program = buildProgram(environment, () => async () => undefined);
const visible = program.commands.filter((command) => !command.name().startsWith('_'));
const withParts = visible.flatMap((command) => [command, ...command.commands]);
const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');

test('the page has every command', () => {
  const missing = visible.filter((command) => !new RegExp(`\`${command.name()}[ \`]`).test(page));
  expect(missing.map((command) => command.name())).toEqual([]);
  // Those of one command stand together.
  const parts = visible.filter(({ commands }) => commands.length > 0);
  const row = (name: string) => page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
  const untold = parts.flatMap((command) =>
    command.commands.flatMap((part) =>
      row(command.name())?.includes(`\`${part.name()}`) ? [] : `${command.name()} ${part.name()}`,
    ),
  );
  expect([parts.length > 0, untold]).toEqual([true, []]);
});

test('the page names every flag that says what a listener is, and those of all commands', () => {
  const named = (command: Command | undefined) =>
    command?.options.map(({ long }) => long ?? '') ?? [];
  const create = visible.find((command) => command.name() === 'create');
  const flags = [...named(create), ...named(program).filter((flag) => flag !== '--output')];
  expect(flags.length).toBeGreaterThan(15);
  const isNamed = (flag: string) => new RegExp(`${flag}(?![\\w-])`).test(page);
  expect(flags.filter((flag) => !isNamed(flag))).toEqual([]);
});

test('every flag of the page is one of a command', () => {
  const known = new Set(
    [program, ...withParts].flatMap((each) => each.options.map(({ long }) => long)),
  );
  const [...told] = page.matchAll(/(?<=[\s`/(])--[a-z][a-z-]+/g);
  expect(told.length).toBeGreaterThan(30);
  expect(told.map(([flag]) => flag).filter((flag) => !known.has(flag))).toEqual([]);
});

test('a flag that takes no name, file or text refuses what is none of its values, by its own name', () => {
  const taken: string[] = [];
  for (const command of withParts) {
    for (const { long, required } of command.options) {
      if (!required || long == null) continue;
      const said: string[] = [];
      command.configureOutput({ writeErr: (text) => said.push(text) });
      try {
        command.parse([`${long}=!`], { from: 'user' });
      } catch {
        // What else is wrong is told of all.
      }
      const isRefused = said.some((text) => /^error: option '.*invalid/.test(text));
      if (!isRefused || !said.join('').includes(`${long} `)) taken.push(long);
    }
  }
  expect([...new Set(taken)].toSorted()).toEqual([
    ...['--actor', '--connection', '--data-dir', '--display-name', '--file', '--join'],
    ...['--listener', '--log', '--name', '--node', '--operation', '--resource', '--token-file'],
  ]);
});

test('a flag that is given again is refused by its name, unless its help says that it may be', () => {
  const said: string[] = [];
  const output = { writeErr: (text: string) => void said.push(text) };
  const { commands } = buildProgram(environment, () => async () => undefined, output);
  const values = ['1', '5s', 'a=1', 'listeners=1', '::1', 'write', '1kB', '{"type":"refuse"}'];
  const isRefused = (command: Command, words: readonly string[], why: RegExp): boolean => {
    said.length = 0;
    try {
      command.parse(words, { from: 'user' });
    } catch {
      // What else is wrong is told of all.
    }
    return said.some((text) => why.test(text));
  };
  const repeatable = new Set<string>();
  for (const command of commands.flatMap((each) => [each, ...each.commands])) {
    for (const { long, required, argChoices = values, description } of command.options) {
      if (!required || long == null) continue;
      const isTaken = (value: string) => !isRefused(command, [`${long}=${value}`], /is invalid/);
      const value = argChoices.find(isTaken) ?? '';
      const own = new RegExp(`^error: option '.*${long} .*' takes one value, and is given again`);
      const isRepeatable = description.includes('repeatable');
      const words = [`${long}=${value}`, `${long}=${value}`];
      expect(isRefused(command, words, own), `${command.name()} ${long}`).toBe(!isRepeatable);
      if (isRepeatable) repeatable.add(long);
    }
  }
  expect([...repeatable].toSorted()).toEqual([
    ...['--allow', '--bandwidth', '--bind-host', '--connection', '--deny', '--fault', '--join'],
    ...['--label', '--latency', '--limit', '--listener', '--node-selector', '--protocol'],
    ...['--proxy-trusted', '--quota', '--raddr', '--scopes', '--type'],
  ]);
});

test('no two flags of a command are the same letter', () => {
  for (const command of withParts) {
    const letters = [...command.options, ...program.options].flatMap(({ short }) => short ?? []);
    expect(letters, command.name()).toHaveLength(new Set(letters).size);
  }
});

test('help of a command tells the variables that it goes by, and that it sets', () => {
  const given = ['KODAMA_URL', 'KODAMA_CA_CERT', 'KODAMA_API_TOKEN', 'KODAMA_PROJECT'];
  const own: Readonly<Record<string, readonly string[]>> = {
    up: ['KODAMA_HTTP_PORT', 'KODAMA_GRPC_PORT', 'KODAMA_DATA_DIR', 'KODAMA_WORKERS'],
    agent: ['KODAMA_JOIN_TOKEN', 'KODAMA_DATA_DIR'],
    listen: [
      ...['KODAMA_HOST', 'KODAMA_PORT', 'KODAMA_LISTENER'],
      ...['KODAMA_URL', 'KODAMA_PROJECT', 'KODAMA_CA_CERT'],
    ],
    'restore-mark': ['KODAMA_DATA_DIR'],
  };
  for (const command of withParts) {
    const [about = '', ofAll = ''] = command.helpInformation().split('Global Options:');
    const told = (text: string) => [...new Set(text.match(/\bKODAMA_[A-Z_]+/g))].toSorted();
    expect(told(ofAll), command.name()).toEqual(given.toSorted());
    expect(told(about), command.name()).toEqual((own[command.name()] ?? []).toSorted());
  }
});

test('a word that is no command is told, and the nearest suggested, whatever stands behind it', async () => {
  const tell = async (words: string) => {
    const said: string[] = [];
    const write = (text: string) => void said.push(text);
    const output = { writeErr: write, writeOut: write };
    const asked = buildProgram(environment, () => async () => void said.push('done'), output);
    const ending = await asked
      .parseAsync(words.split(' '), { from: 'user' })
      .catch(({ exitCode }: CommanderError) => exitCode);
    return [typeof ending === 'number' ? ending : null, said.join('')] as const;
  };
  const unknown = (word: string, near: string) =>
    [1, `error: unknown command '${word}'\n(Did you mean ${near}?)\n`] as const;
  expect(await tell('keys craete')).toEqual(unknown('craete', 'create'));
  expect(await tell('keys craete ci --scopes read')).toEqual(unknown('craete', 'create'));
  expect(await tell('join-token -o json delte x')).toEqual(unknown('delte', 'delete'));
  expect(await tell('help keys craete')).toEqual(unknown('craete', 'create'));
  expect(await tell('help liten')).toEqual(unknown('liten', 'listen'));
  expect(await tell('liten')).toEqual(unknown('liten', 'listen'));
  expect(await tell('nodes xyzzy')).toEqual([1, "error: unknown command 'xyzzy'\n"]);
  // What nobody types is not suggested.
  expect(await tell('help __complet')).toEqual([1, "error: unknown command '__complet'\n"]);
  // What is known is done.
  expect(await tell('keys')).toEqual([null, 'done']);
  expect(await tell('keys revoke some')).toEqual([null, 'done']);
  const create = withParts.find(
    (each) => each.parent?.name() === 'keys' && each.name() === 'create',
  );
  const help = [0, create?.helpInformation()];
  for (const words of ['help keys create', 'keys help create', 'keys create --help']) {
    expect(await tell(words)).toEqual(help);
  }
  const [, all] = await tell('help');
  expect(all).toBe((await tell('--help'))[1]);
  expect(all).toMatch(/^ {2}help \[command\.\.\.\]/m);
});

test('help of a part of a command tells each flag that it takes, once, and no other', () => {
  const parts = visible.flatMap(({ commands }) => commands);
  expect(parts.map((part) => part.name())).toContain('wait');
  for (const part of parts) {
    const [...told] = part.helpInformation().matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm);
    const taken = [...part.options, ...program.options].filter(({ hidden }) => !hidden);
    const known = [...taken.map(({ long }) => long), '--help'];
    expect(told.map(([, flag]) => flag).toSorted(), part.name()).toEqual(known.toSorted());
  }
});

test('help of a command tells the flags of all, and nothing but main.ts ends the process', () => {
  for (const command of withParts) {
    expect(command.helpInformation()).toMatch(/Global Options:[\s\S]*--token-file/);
    const said: string[] = [];
    command.configureOutput({ writeErr: (text) => said.push(text) });
    expect(() => command.parse(['--no-such-flag'], { from: 'user' })).toThrow(/error: /);
    expect(said).toHaveLength(1);
  }
});
