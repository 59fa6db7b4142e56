// Original file: proto/kodama/v1/connection.proto

export const ConnectionState = {
  CONNECTION_STATE_UNSPECIFIED: 'CONNECTION_STATE_UNSPECIFIED',
  CONNECTION_STATE_OPEN: 'CONNECTION_STATE_OPEN',
  CONNECTION_STATE_HALF_CLOSED: 'CONNECTION_STATE_HALF_CLOSED',
  CONNECTION_STATE_CLOSED: 'CONNECTION_STATE_CLOSED',
} as const;

export type ConnectionState =
  | 'CONNECTION_STATE_UNSPECIFIED'
  | 0
  | 'CONNECTION_STATE_OPEN'
  | 1
  | 'CONNECTION_STATE_HALF_CLOSED'
  | 2
  | 'CONNECTION_STATE_CLOSED'
  | 3

export type ConnectionState__Output = typeof ConnectionState[keyof typeof ConnectionState]
