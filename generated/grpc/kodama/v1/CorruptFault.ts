// Original file: proto/kodama/v1/fault.proto


export interface CorruptFault {
  'bytes'?: (number);
  '_bytes'?: "bytes";
}

export interface CorruptFault__Output {
  'bytes'?: (number);
  '_bytes'?: "bytes";
}
