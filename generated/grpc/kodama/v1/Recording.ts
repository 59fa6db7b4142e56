// Original file: proto/kodama/v1/listener.proto

export const Recording = {
  RECORDING_UNSPECIFIED: 'RECORDING_UNSPECIFIED',
  RECORDING_BATCHED: 'RECORDING_BATCHED',
  RECORDING_DURABLE: 'RECORDING_DURABLE',
} as const;

export type Recording =
  | 'RECORDING_UNSPECIFIED'
  | 0
  | 'RECORDING_BATCHED'
  | 1
  | 'RECORDING_DURABLE'
  | 2

export type Recording__Output = typeof Recording[keyof typeof Recording]
