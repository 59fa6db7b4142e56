// Original file: proto/kodama/v1/event_service.proto


export interface Heartbeat {
}

export interface Heartbeat__Output {
}
