// Original file: proto/kodama/v1/listener.proto

export const ProxyProtocolMode = {
  PROXY_PROTOCOL_MODE_UNSPECIFIED: 'PROXY_PROTOCOL_MODE_UNSPECIFIED',
  PROXY_PROTOCOL_MODE_OFF: 'PROXY_PROTOCOL_MODE_OFF',
  PROXY_PROTOCOL_MODE_OPTIONAL: 'PROXY_PROTOCOL_MODE_OPTIONAL',
  PROXY_PROTOCOL_MODE_REQUIRED: 'PROXY_PROTOCOL_MODE_REQUIRED',
} as const;

export type ProxyProtocolMode =
  | 'PROXY_PROTOCOL_MODE_UNSPECIFIED'
  | 0
  | 'PROXY_PROTOCOL_MODE_OFF'
  | 1
  | 'PROXY_PROTOCOL_MODE_OPTIONAL'
  | 2
  | 'PROXY_PROTOCOL_MODE_REQUIRED'
  | 3

export type ProxyProtocolMode__Output = typeof ProxyProtocolMode[keyof typeof ProxyProtocolMode]
