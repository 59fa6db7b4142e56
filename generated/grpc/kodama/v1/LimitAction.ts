// Original file: proto/kodama/v1/fault.proto

export const LimitAction = {
  LIMIT_ACTION_UNSPECIFIED: 'LIMIT_ACTION_UNSPECIFIED',
  LIMIT_ACTION_FIN: 'LIMIT_ACTION_FIN',
  LIMIT_ACTION_RST: 'LIMIT_ACTION_RST',
  LIMIT_ACTION_BLACKHOLE: 'LIMIT_ACTION_BLACKHOLE',
} as const;

export type LimitAction =
  | 'LIMIT_ACTION_UNSPECIFIED'
  | 0
  | 'LIMIT_ACTION_FIN'
  | 1
  | 'LIMIT_ACTION_RST'
  | 2
  | 'LIMIT_ACTION_BLACKHOLE'
  | 3

export type LimitAction__Output = typeof LimitAction[keyof typeof LimitAction]
