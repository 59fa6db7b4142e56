/** Completion in a shell: the words of the tree of commands, and the names of what kodama has, which it is asked for. */
import { Argument, Command, type Option } from 'commander';
import {
  type Asked,
  asked,
  type CommandWords,
  completionScripts,
  type Flag,
  type Value,
} from './completion-scripts.ts';
import { nameOf } from './resource-tables.ts';
import type { OwnProject, RestClient } from './rest-client.ts';
import type { Run, Session } from './session.ts';

const namesListed = 200;

export function completionCommand(run: Run): Command {
  return new Command('completion')
    .description('print what completes the command in a shell: source <(kodama completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(completionScripts)))
    .action(
      run(async ({ terminal }, command) => {
        await terminal.print(completionScript(command.args[0] ?? '', command.parent ?? command));
        return undefined;
      }),
    );
}

export function completionScript(shell: string, program: Command): string {
  const script = Object.entries(completionScripts).find(([name]) => name === shell)?.[1];
  if (script === undefined) throw new TypeError(`no script for ${shell}`);
  const visible = program.commands.filter((command) => !command.name().startsWith('_'));
  const commands = visible.flatMap((command) =>
    command.name() === 'help' ? helpWords(command, visible) : wordsOf(command),
  );
  return script({ all: program.options.map(flagOf), commands });
}

/** Behind it stand the names of all, and behind those the parts of one. */
function helpWords(help: Command, commands: readonly Command[]): readonly CommandWords[] {
  const { names, about } = bareWords(help);
  const withParts = commands.filter((command) => command.commands.length > 0).map(bareWords);
  return [
    { names, about, flags: [], argument: commands.flatMap((one) => bareWords(one).names) },
    ...withParts.map((words) => ({ ...words, names: joined(names, words.names) })),
  ];
}

/** What the scripts ask while a word is completed: a kodama that cannot be reached has no names. */
export function completeCommand(run: Run): Command {
  return new Command('__complete')
    .addArgument(new Argument('<of>').choices(asked))
    .action(run(printNames));
}

async function printNames(session: Session, command: Command): Promise<undefined> {
  const names = await namesOf(session.client, command.args[0] as Asked);
  await session.terminal.print(names.map((name) => `${name}\n`).join(''));
}

/** What the caller may not list it is not refused, which would be in the audit at each key of the keyboard. */
async function namesOf(client: RestClient, of: Asked): Promise<readonly string[]> {
  if (of === 'listener') {
    const { items } = await client.list('listeners', {}, namesListed);
    return items.map(nameOf);
  }
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  const [list, scope] = lists[of];
  if (!scopes.includes(scope)) return [];
  const { items } = await client.list(list, {}, namesListed);
  return items.map(({ name }) => name);
}

const lists = {
  node: ['nodes', 'nodes:read'],
  project: ['projects', 'operator'],
  key: ['keys', 'keys:read'],
} as const;

/** Those of the command, and of each that is a part of it. */
function wordsOf(command: Command): readonly CommandWords[] {
  const own = bareWords(command);
  const flags = command.options.filter(({ hidden }) => !hidden).map(flagOf);
  const parts = command.commands.flatMap(wordsOf);
  return [
    { ...own, flags },
    ...parts.map((part) => ({ ...part, names: joined(own.names, part.names) })),
  ];
}

function bareWords(command: Command): CommandWords {
  const [about = ''] = command.description().split('; ');
  const names = [command.name(), ...command.aliases()];
  return { names, about, flags: [], argument: argumentOf(command) };
}

function joined(names: readonly string[], parts: readonly string[]): readonly string[] {
  return names.flatMap((name) => parts.map((part) => `${name} ${part}`));
}

function argumentOf({ commands, registeredArguments: [argument] }: Command): Value | null {
  if (commands.length > 0) return commands.map((part) => part.name());
  if (argument === undefined) return null;
  return valueNamed(argument.name(), argument.argChoices ?? undefined);
}

function flagOf(option: Option): Flag {
  const { long, short, description, required, optional, flags, argChoices } = option;
  const [, name = ''] = /<([^>]+)>/.exec(flags) ?? [];
  return {
    long: long ?? '',
    short: short ?? null,
    about: description,
    value: required || optional ? valueNamed(name, argChoices) : null,
  };
}

/** What stands for it in the usage says what it is, and behind a bar which words it may be instead. */
function valueNamed(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return choices;
  const [, ...words] = name.split('|');
  if (words.length > 0) return words;
  const kind = asked.find((of) => of === name);
  if (kind !== undefined) return kind;
  return ['file', 'folder'].includes(name) ? 'file' : 'any';
}
