// Original file: proto/kodama/v1/listener.proto

export const TlsVersion = {
  TLS_VERSION_UNSPECIFIED: 'TLS_VERSION_UNSPECIFIED',
  TLS_VERSION_1_2: 'TLS_VERSION_1_2',
  TLS_VERSION_1_3: 'TLS_VERSION_1_3',
} as const;

export type TlsVersion =
  | 'TLS_VERSION_UNSPECIFIED'
  | 0
  | 'TLS_VERSION_1_2'
  | 1
  | 'TLS_VERSION_1_3'
  | 2

export type TlsVersion__Output = typeof TlsVersion[keyof typeof TlsVersion]
