// Original file: proto/kodama/v1/listener.proto


export interface ListenerReason {
  'code'?: (string);
  'message'?: (string);
}

export interface ListenerReason__Output {
  'code'?: (string);
  'message'?: (string);
}
