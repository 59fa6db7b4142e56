// Original file: proto/kodama/v1/listener.proto

export const TlsClientAuth = {
  TLS_CLIENT_AUTH_UNSPECIFIED: 'TLS_CLIENT_AUTH_UNSPECIFIED',
  TLS_CLIENT_AUTH_NONE: 'TLS_CLIENT_AUTH_NONE',
  TLS_CLIENT_AUTH_REQUEST: 'TLS_CLIENT_AUTH_REQUEST',
  TLS_CLIENT_AUTH_REQUIRE: 'TLS_CLIENT_AUTH_REQUIRE',
} as const;

export type TlsClientAuth =
  | 'TLS_CLIENT_AUTH_UNSPECIFIED'
  | 0
  | 'TLS_CLIENT_AUTH_NONE'
  | 1
  | 'TLS_CLIENT_AUTH_REQUEST'
  | 2
  | 'TLS_CLIENT_AUTH_REQUIRE'
  | 3

export type TlsClientAuth__Output = typeof TlsClientAuth[keyof typeof TlsClientAuth]
