// Original file: proto/kodama/v1/listener_service.proto


export interface DeleteListenerRequest {
  'id'?: (string);
  'drainMs'?: (number);
  '_drainMs'?: "drainMs";
}

export interface DeleteListenerRequest__Output {
  'id'?: (string);
  'drainMs'?: (number);
  '_drainMs'?: "drainMs";
}
