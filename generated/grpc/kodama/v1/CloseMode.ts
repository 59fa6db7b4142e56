// Original file: proto/kodama/v1/connection_service.proto

export const CloseMode = {
  CLOSE_MODE_UNSPECIFIED: 'CLOSE_MODE_UNSPECIFIED',
  CLOSE_MODE_FIN: 'CLOSE_MODE_FIN',
  CLOSE_MODE_RST: 'CLOSE_MODE_RST',
} as const;

export type CloseMode =
  | 'CLOSE_MODE_UNSPECIFIED'
  | 0
  | 'CLOSE_MODE_FIN'
  | 1
  | 'CLOSE_MODE_RST'
  | 2

export type CloseMode__Output = typeof CloseMode[keyof typeof CloseMode]
