/** The command line of every program of the project: it tells its usage, and refuses what it does not know. */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';

export const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

const common = { help: { type: 'boolean' }, version: { type: 'boolean' } } as const;
const badUsageCode = 2;

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<Given extends Options> = ReturnType<
  typeof parseArgs<{ options: Given; allowPositionals: true }>
>['values'];

export interface Program<Given extends Options> {
  /** What `--help` prints. */
  readonly usage: string;
  readonly options: Given;
  /** What may stand without a flag: nothing, unless it is given. */
  readonly words?: readonly string[];
}

/** Answers `--help` and `--version`, refuses what is unknown with the usage and exit code 2, and ends the process then. */
export function readCommandLine<const Given extends Options>(
  program: Program<Given>,
): { readonly values: Values<Given>; readonly words: readonly string[] } {
  const { usage, options, words = [] } = program;
  try {
    const given = parseArgs({ options: { ...options, ...common }, allowPositionals: true });
    const { help, version: isVersionAsked } = given.values as { help?: true; version?: true };
    if (help) end(usage);
    if (isVersionAsked) end(`kodama ${version}`);
    const stranger = given.positionals.find((word) => !words.includes(word));
    if (stranger !== undefined) refuse(`unknown argument '${stranger}'`, usage);
    return { values: given.values as Values<Given>, words: given.positionals };
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error)) throw error;
    return refuse(error.message, usage);
  }
}

/** A number of the command line, within its bounds. */
export function readNumber(name: string, text: string, usage: string, min = 0): number {
  const value = Number(text);
  const isGood = /^\d+(\.\d+)?$/.test(text) && value >= min;
  return isGood ? value : refuse(`--${name} must be a number, at least ${min}`, usage);
}

/** One of a few words, or undefined where none was given. */
export function readChoice<Word extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Word[],
  usage: string,
): Word | undefined {
  const choice = choices.find((one) => one === text);
  if (text === undefined || choice !== undefined) return choice;
  return refuse(`--${name} must be one of ${choices.join(', ')}`, usage);
}

export function refuse(message: string, usage: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`);
  process.exit(badUsageCode);
}

function end(text: string): never {
  process.stdout.write(`${text}\n`);
  process.exit(0);
}
