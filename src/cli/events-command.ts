import { Command, Option } from 'commander';
import { eventTypes } from '../core/event.ts';
import { protocols } from '../core/listener.ts';
import { eventLine } from './event-lines.ts';
import {
  choices,
  collected,
  type Labels,
  labelOption,
  labelQuery,
  networks,
  option,
  repeatable,
  since,
  wholeNumber,
  withOptions,
} from './flags.ts';
import { type Followed, follow } from './follow.ts';
import type { Query } from './rest-client.ts';
import type { Run, Session } from './session.ts';

interface EventsOptions {
  readonly follow?: true;
  readonly afterSeq?: number;
  readonly log?: string;
  readonly since?: string;
  readonly last?: number;
  readonly type?: readonly string[];
  readonly listener?: readonly string[];
  readonly connection?: readonly string[];
  readonly raddr?: readonly string[];
  readonly protocol?: readonly string[];
  readonly label?: Labels;
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
  return withOptions(command, [
    new Option('-f, --follow', 'go on with what comes; without a start only with that').conflicts(
      'untilSynced',
    ),
    new Option('--until-synced', 'end at the newest event, as without -f'),
    start('--after-seq <seq>', 'what comes after it', wholeNumber),
    option('--log <id>', 'refuse where the seqs are of another log, such as after a restore'),
    start('--since <time>', 'from a time on, or from so long ago such as 5m', since),
    start('--last <n>', 'the newest n that match', wholeNumber),
    choices('--type <type>', 'of this type', eventTypes),
    repeatable('--listener <listener>', 'of this listener, by name or id', collected),
    repeatable('--connection <id>', 'of this connection', collected),
    repeatable('--raddr <network>', 'of this remote address or network', networks),
    choices('--protocol <protocol>', 'of this protocol', protocols),
    labelOption('of listeners with this label'),
  ]);
}

async function printEvents(
  { client, terminal, format }: Session,
  command: Command,
): Promise<undefined> {
  const options = command.opts<EventsOptions>();
  const isFollowing = options.follow === true;
  const say = (text: string) => terminal.say(text);
  const query = { ...filterOf(options), log: options.log, endAtHead: !isFollowing };
  const print = (followed: Followed) => {
    if (format === 'json') return terminal.print(`${followed.line}\n`);
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

function filterOf({ type, listener, connection, raddr, protocol, label }: EventsOptions): Query {
  return {
    type,
    listener,
    connectionId: connection,
    remoteCidr: raddr,
    protocol,
    label: labelQuery(label),
  };
}
