/** Events: core → protobuf. */

import type { Event as EventMessage } from '../../generated/grpc/kodama/v1/Event.ts';
import type { EventOrder as OrderEnum } from '../../generated/grpc/kodama/v1/EventOrder.ts';
import type { EventType as TypeEnum } from '../../generated/grpc/kodama/v1/EventType.ts';
import type { Refusal as RefusalMessage } from '../../generated/grpc/kodama/v1/Refusal.ts';
import type { RefusalRule as RuleEnum } from '../../generated/grpc/kodama/v1/RefusalRule.ts';
import {
  type Event,
  type EventType,
  eventTypes,
  type Refusal,
  type RefusalRule,
  refusalRules,
} from '../core/event.ts';
import { eventOrders } from '../core/event-page.ts';
import { toConnectionMessage } from './connection-messages.ts';
import { protocolWords, toAddressMessage, toListenerMessage } from './listener-messages.ts';
import { enumWords } from './protos.ts';
import { toTimestamp } from './times.ts';

export const eventTypeWords = enumWords<TypeEnum, EventType>('EventType', eventTypes);
export const orderWords = enumWords<OrderEnum, (typeof eventOrders)[number]>(
  'EventOrder',
  eventOrders,
);
const ruleWords = enumWords<RuleEnum, RefusalRule>('RefusalRule', refusalRules);

/** The name is its listener's, for what is no listener. */
export function toEventMessage(event: Event, listenerName: string | null): EventMessage {
  const common = {
    seq: event.seq,
    time: toTimestamp(event.time),
    type: eventTypeWords.toEnum(event.type),
    listenerId: event.listenerId,
  };
  if ('connection' in event) {
    const { connection } = event;
    return {
      ...common,
      connectionId: connection.id,
      connection: toConnectionMessage(connection, listenerName),
    };
  }
  if ('listener' in event) return { ...common, listener: toListenerMessage(event.listener) };
  return { ...common, refusal: toRefusalMessage(event.refusal, listenerName) };
}

function toRefusalMessage(
  { protocol, laddr, raddr, rule, count }: Refusal,
  listenerName: string | null,
): RefusalMessage {
  return {
    listenerName: listenerName ?? undefined,
    protocol: protocolWords.toEnum(protocol),
    laddr: toAddressMessage(laddr),
    raddr: raddr && toAddressMessage(raddr),
    rule: ruleWords.toEnum(rule),
    count,
  };
}
