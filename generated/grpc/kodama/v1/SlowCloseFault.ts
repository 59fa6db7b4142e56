// Original file: proto/kodama/v1/fault.proto


export interface SlowCloseFault {
  'delayMs'?: (number);
  '_delayMs'?: "delayMs";
}

export interface SlowCloseFault__Output {
  'delayMs'?: (number);
  '_delayMs'?: "delayMs";
}
