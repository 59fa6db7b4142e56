// Original file: proto/kodama/v1/listener.proto

export const ListenerMode = {
  LISTENER_MODE_UNSPECIFIED: 'LISTENER_MODE_UNSPECIFIED',
  LISTENER_MODE_ECHO: 'LISTENER_MODE_ECHO',
  LISTENER_MODE_DISCARD: 'LISTENER_MODE_DISCARD',
  LISTENER_MODE_INFO: 'LISTENER_MODE_INFO',
} as const;

export type ListenerMode =
  | 'LISTENER_MODE_UNSPECIFIED'
  | 0
  | 'LISTENER_MODE_ECHO'
  | 1
  | 'LISTENER_MODE_DISCARD'
  | 2
  | 'LISTENER_MODE_INFO'
  | 3

export type ListenerMode__Output = typeof ListenerMode[keyof typeof ListenerMode]
