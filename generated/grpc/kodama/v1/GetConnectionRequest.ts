// Original file: proto/kodama/v1/connection_service.proto


export interface GetConnectionRequest {
  'id'?: (string);
}

export interface GetConnectionRequest__Output {
  'id'?: (string);
}
