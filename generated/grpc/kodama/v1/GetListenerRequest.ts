// Original file: proto/kodama/v1/listener_service.proto


export interface GetListenerRequest {
  'id'?: (string);
}

export interface GetListenerRequest__Output {
  'id'?: (string);
}
