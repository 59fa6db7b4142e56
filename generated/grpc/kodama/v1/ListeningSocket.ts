// Original file: proto/kodama/v1/listener.proto


export interface ListeningSocket {
  'pid'?: (number);
  'fd'?: (number);
}

export interface ListeningSocket__Output {
  'pid'?: (number);
  'fd'?: (number);
}
