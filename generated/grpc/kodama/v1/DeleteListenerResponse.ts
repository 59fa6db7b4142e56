// Original file: proto/kodama/v1/listener_service.proto


export interface DeleteListenerResponse {
}

export interface DeleteListenerResponse__Output {
}
