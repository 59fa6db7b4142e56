// Original file: proto/kodama/v1/fault.proto

export const BandwidthScope = {
  BANDWIDTH_SCOPE_UNSPECIFIED: 'BANDWIDTH_SCOPE_UNSPECIFIED',
  BANDWIDTH_SCOPE_CONNECTION: 'BANDWIDTH_SCOPE_CONNECTION',
  BANDWIDTH_SCOPE_LISTENER: 'BANDWIDTH_SCOPE_LISTENER',
} as const;

export type BandwidthScope =
  | 'BANDWIDTH_SCOPE_UNSPECIFIED'
  | 0
  | 'BANDWIDTH_SCOPE_CONNECTION'
  | 1
  | 'BANDWIDTH_SCOPE_LISTENER'
  | 2

export type BandwidthScope__Output = typeof BandwidthScope[keyof typeof BandwidthScope]
