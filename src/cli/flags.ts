/** What options of several commands share: how their values are read, and what of them is refused. */
import { isIP } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseCidr } from '../core/address.ts';
import { parseTime } from '../core/time.ts';
import { parseDelay, parseDuration, parseRate, parseSize } from './durations.ts';
import { usageFailure } from './failure.ts';

function reader<Value>(read: (text: string) => Value | null, what: string) {
  return (text: string): Value => {
    const value = read(text);
    if (value === null) throw new InvalidArgumentError(`It is not ${what}.`);
    return value;
  };
}

export const duration = reader(parseDuration, 'a duration such as 300ms, 5s or 2m');
/** Of what lasts for so long: nothing lasts for no time at all. */
export const lifetime = reader(
  (text) => parseDuration(text) || null,
  'a duration above 0 such as 300ms, 5s or 2m',
);
export const delay = reader(parseDelay, 'a delay such as 300ms or 300ms±50ms');
export const size = reader(parseSize, 'a size such as 500B, 1kB or 1MiB');
export const rate = reader(
  (text) => parseRate(text) || null,
  'a rate above 0 such as 56kB/s or 1MB/s',
);
export const wholeNumber = reader(
  (text) => (/^\d{1,15}$/.test(text) ? Number(text) : null),
  'a whole number',
);
export const atLeastOne = reader(
  (text) => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : null),
  'a whole number above 0',
);
export const port = reader(
  (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null),
  'a port from 0 to 65535',
);
export const address = reader(
  (text) => (text === 'localhost' || (isIP(text) !== 0 && !text.includes('%')) ? text : null),
  'an IPv4 or IPv6 address, or localhost',
);
export const network = reader(
  (text) => (parseCidr(text) === null ? null : text),
  'an IP address or a network such as 10.0.0.0/8',
);

/** Each time that an option is given adds to it. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function networks(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, network(text)];
}

export function orNone<Value>(read: (text: string) => Value) {
  return (text: string): Value | 'none' => (text === 'none' ? text : read(text));
}

/** Networks, or alone the word for none: an empty list. */
export function networksOr(word: string) {
  return (text: string, before?: readonly string[]): readonly string[] => {
    const isWord = text === word;
    if (before !== undefined && (isWord || before.length === 0)) {
      throw new InvalidArgumentError(`Beside ${word} there is no network.`);
    }
    return isWord ? [] : networks(text, before);
  };
}

/** `kind` is of a word that is a part of the value. @throws InvalidArgumentError for what is none of the words, as commander has it */
export function assertWord(text: string, words: readonly string[], kind?: string): void {
  if (words.includes(text)) return;
  const which = kind === undefined ? '' : `There is no ${kind} '${text}'. `;
  throw new InvalidArgumentError(`${which}Allowed choices are ${words.join(', ')}.`);
}

export type Labels = Readonly<Record<string, string>>;

export function label(text: string, before: Labels = {}): Labels {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is not key=value.');
  return added(before, text.slice(0, at), text.slice(at + 1));
}

/** Null: the label is taken away. */
export type LabelChanges = Readonly<Record<string, string | null>>;

/** `key=value` sets a label, `key-` takes it away. */
export function labelChange(text: string, before: LabelChanges = {}): LabelChanges {
  const [, gone = ''] = /^([^=]+)-$/.exec(text) ?? [];
  if (gone !== '') return added(before, gone, null);
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is not key=value, nor key- to take it away.');
  return added(before, text.slice(0, at), text.slice(at + 1));
}

export function labelChangeOption(about: string): Option {
  return repeatable('-l, --label <key=value>', `${about}; key- takes it away`, labelChange);
}

/** What is not named stays. */
export function changedLabels(before: Labels, changes: LabelChanges): Labels {
  const after = Object.entries({ ...before, ...changes });
  return Object.fromEntries(
    after.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
}

/** @throws InvalidArgumentError for a key that is there already, as commander has it */
export function added<Value>(
  before: Readonly<Record<string, Value>>,
  key: string,
  value: Value,
): Readonly<Record<string, Value>> {
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`It gives ${key} a second value.`);
  return { ...before, [key]: value };
}

/** As the query of the API has them. */
export function labelQuery(labels: Labels = {}): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

/** A time, or how long ago it was: `5m`. As the API takes it. */
export const since = reader((text) => {
  const ago = parseDuration(text);
  if (ago === null) return parseTime(text) === null ? null : text;
  const at = new Date(Date.now() - ago);
  // There is no such day.
  if (Number.isNaN(at.getTime())) return null;
  const time = at.toISOString();
  return parseTime(time) === null ? null : time;
}, 'a time such as 2026-11-24T12:00:00Z, or how long ago it was such as 5m');

export function choice(flags: string, about: string, words: readonly string[]): Option {
  return new Option(flags, about).choices(words);
}

/** Each time that it is given adds one of the words. */
export function choices(flags: string, about: string, words: readonly string[]): Option {
  const read = (text: string, before?: readonly string[]) => {
    assertWord(text, words);
    return collected(text, before);
  };
  const made = repeatable(flags, about, read);
  made.argChoices = [...words];
  return made;
}

export function labelOption(about: string): Option {
  return repeatable('-l, --label <key=value>', about, label);
}

/** For flags of a create, which a change knows only to refuse them: they are hidden. @throws CommandFailure */
export function assertChangeable(command: Command): void {
  const isGiven = (one: Option) => command.getOptionValue(one.attributeName()) !== undefined;
  const fixed = command.options.find((one) => one.hidden && isGiven(one));
  if (fixed === undefined) return;
  throw usageFailure(`${fixed.long} can not be changed after creation`);
}

/** Options one by one, since commander has no list of them. */
export function withOptions(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

export function option(
  flags: string,
  about: string,
  read?: (text: string, before: never) => unknown,
): Option {
  return withReader(new Option(flags, about), read);
}

/** One that may be given again: `read` adds to what was given before. */
export function repeatable(
  flags: string,
  about: string,
  read: (text: string, before: never) => unknown,
): Option {
  return withReader(new RepeatableOption(flags, `${about}; repeatable`), read);
}

class RepeatableOption extends Option {}

function withReader(made: Option, read?: (text: string, before: never) => unknown): Option {
  return read === undefined
    ? made
    : made.argParser(read as (text: string, before: unknown) => unknown);
}

/** Of a flag that takes one value the last would hold, and those before it be lost without a word. */
export function refuseRepeats(command: Command): void {
  for (const one of command.options) {
    if (!one.required || one instanceof RepeatableOption) continue;
    let isGiven = false;
    command.on(`option:${one.name()}`, () => {
      if (isGiven)
        command.error(`error: option '${one.flags}' takes one value, and is given again`);
      isGiven = true;
    });
  }
}
