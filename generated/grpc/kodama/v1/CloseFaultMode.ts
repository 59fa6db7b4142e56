// Original file: proto/kodama/v1/fault.proto

export const CloseFaultMode = {
  CLOSE_FAULT_MODE_UNSPECIFIED: 'CLOSE_FAULT_MODE_UNSPECIFIED',
  CLOSE_FAULT_MODE_FIN: 'CLOSE_FAULT_MODE_FIN',
  CLOSE_FAULT_MODE_RST: 'CLOSE_FAULT_MODE_RST',
  CLOSE_FAULT_MODE_HALF_CLOSE: 'CLOSE_FAULT_MODE_HALF_CLOSE',
} as const;

export type CloseFaultMode =
  | 'CLOSE_FAULT_MODE_UNSPECIFIED'
  | 0
  | 'CLOSE_FAULT_MODE_FIN'
  | 1
  | 'CLOSE_FAULT_MODE_RST'
  | 2
  | 'CLOSE_FAULT_MODE_HALF_CLOSE'
  | 3

export type CloseFaultMode__Output = typeof CloseFaultMode[keyof typeof CloseFaultMode]
