// Original file: proto/kodama/v1/fault.proto


export interface DropFault {
}

export interface DropFault__Output {
}
