// Original file: proto/kodama/v1/fault.proto


export interface DuplicateFault {
}

export interface DuplicateFault__Output {
}
