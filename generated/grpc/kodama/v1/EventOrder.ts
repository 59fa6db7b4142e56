// Original file: proto/kodama/v1/event_service.proto

export const EventOrder = {
  EVENT_ORDER_UNSPECIFIED: 'EVENT_ORDER_UNSPECIFIED',
  EVENT_ORDER_ASC: 'EVENT_ORDER_ASC',
  EVENT_ORDER_DESC: 'EVENT_ORDER_DESC',
} as const;

export type EventOrder =
  | 'EVENT_ORDER_UNSPECIFIED'
  | 0
  | 'EVENT_ORDER_ASC'
  | 1
  | 'EVENT_ORDER_DESC'
  | 2

export type EventOrder__Output = typeof EventOrder[keyof typeof EventOrder]
