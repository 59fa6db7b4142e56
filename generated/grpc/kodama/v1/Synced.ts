// Original file: proto/kodama/v1/event_service.proto


export interface Synced {
}

export interface Synced__Output {
}
