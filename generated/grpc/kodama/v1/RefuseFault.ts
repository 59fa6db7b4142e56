// Original file: proto/kodama/v1/fault.proto


export interface RefuseFault {
}

export interface RefuseFault__Output {
}
