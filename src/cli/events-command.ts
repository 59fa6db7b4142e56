import { Command, Option } from 'commander';
import { type EventFilterOptions, eventFilterOptions, eventQuery } from './event-filter.ts';
import { eventLine } from './event-lines.ts';
import { eventsWaitCommand } from './events-wait-command.ts';
import { option, since, wholeNumber, withOptions } from './flags.ts';
import { type Followed, follow } from './follow.ts';
import { escapedJson } from './json-text.ts';
import type { Query } from './rest-client.ts';
import type { Run, Session } from './session.ts';

interface EventsOptions extends EventFilterOptions {
  readonly follow?: true;
  readonly afterSeq?: number;
  readonly log?: string;
  readonly since?: string;
  readonly last?: number;
}

const starts = ['afterSeq', 'since', 'last'];

export function eventsCommand(run: Run): Command {
  const command = new Command('events')
    .description('print the log, from the oldest event that is kept to the newest; or follow it')
    .action(run(printEvents));
  const start = (flags: string, about: string, read: (text: string) => unknown) => {
    const made = option(flags, about, read);
    return made.conflicts(starts.filter((name) => name !== made.attributeName()));
  };
  withOptions(command, [
    new Option('-f, --follow', 'go on with what comes; without a start only with that').conflicts(
      'untilSynced',
    ),
    new Option('--until-synced', 'end at the newest event, as without -f'),
    start('--after-seq <seq>', 'what comes after it', wholeNumber),
    option('--log <id>', 'refuse where the seqs are of another log, such as after a restore'),
    start('--since <time>', 'from a time on, or from so long ago such as 5m', since),
    start('--last <n>', 'the newest n that match', wholeNumber),
    ...eventFilterOptions(),
  ]);
  return command.addCommand(eventsWaitCommand(run));
}

async function printEvents(
  { client, terminal, format }: Session,
  command: Command,
): Promise<undefined> {
  const options = command.opts<EventsOptions>();
  const isFollowing = options.follow === true;
  const say = (text: string) => terminal.say(text);
  const query = { ...eventQuery(options), log: options.log, endAtHead: !isFollowing };
  const print = (followed: Followed) => {
    if (format === 'json') return terminal.print(`${escapedJson(followed.line)}\n`);
    const { message } = followed;
    if (!('event' in message)) return;
    return terminal.print(eventLine(message.event, { isWide: format === 'wide' }));
  };
  let isReady = false;
  for await (const followed of follow({ client, query, start: startOf(options), say })) {
    await print(followed);
    const { message } = followed;
    if (isReady || !isFollowing || !('synced' in message)) continue;
    isReady = true;
    say(`kodama: ready, and following from seq ${message.seq} on`);
  }
}

function startOf({ follow: isFollowing, afterSeq, since: time, last }: EventsOptions): Query {
  const given = { afterSeq, since: time, last };
  const isGiven = Object.values(given).some((value) => value !== undefined);
  if (isGiven) return given;
  return isFollowing === true ? { fromNow: true } : { afterSeq: 0 };
}
