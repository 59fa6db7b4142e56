// Original file: proto/kodama/v1/fault.proto

export const BlackholeHow = {
  BLACKHOLE_HOW_UNSPECIFIED: 'BLACKHOLE_HOW_UNSPECIFIED',
  BLACKHOLE_HOW_DROP: 'BLACKHOLE_HOW_DROP',
  BLACKHOLE_HOW_STALL: 'BLACKHOLE_HOW_STALL',
} as const;

export type BlackholeHow =
  | 'BLACKHOLE_HOW_UNSPECIFIED'
  | 0
  | 'BLACKHOLE_HOW_DROP'
  | 1
  | 'BLACKHOLE_HOW_STALL'
  | 2

export type BlackholeHow__Output = typeof BlackholeHow[keyof typeof BlackholeHow]
