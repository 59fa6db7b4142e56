/** Which events of the log are meant, as the commands that are about them say it. */
import type { Option } from 'commander';
import { eventTypes } from '../core/event.ts';
import { protocols } from '../core/listener.ts';
import {
  choices,
  collected,
  type Labels,
  labelOption,
  labelQuery,
  networks,
  repeatable,
} from './flags.ts';
import type { Query } from './rest-client.ts';

export interface EventFilterOptions {
  readonly type?: readonly string[];
  readonly listener?: readonly string[];
  readonly connection?: readonly string[];
  readonly raddr?: readonly string[];
  readonly protocol?: readonly string[];
  readonly label?: Labels;
}

export function eventFilterOptions(): readonly Option[] {
  return [
    choices('--type <type>', 'of this type', eventTypes),
    repeatable('--listener <listener>', 'of this listener, by name or id', collected),
    repeatable('--connection <id>', 'of this connection', collected),
    repeatable(
      '--raddr <network>',
      'of this remote address or network, or declared to be of it',
      networks,
    ),
    choices('--protocol <protocol>', 'of this protocol', protocols),
    labelOption('of listeners with this label'),
  ];
}

export function eventQuery(options: EventFilterOptions): Query {
  const { type, listener, connection, raddr, protocol, label } = options;
  const of = { connectionId: connection, remoteCidr: raddr, label: labelQuery(label) };
  return { type, listener, protocol, ...of };
}
