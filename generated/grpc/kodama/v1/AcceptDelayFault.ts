// Original file: proto/kodama/v1/fault.proto


export interface AcceptDelayFault {
  'delayMs'?: (number);
  '_delayMs'?: "delayMs";
}

export interface AcceptDelayFault__Output {
  'delayMs'?: (number);
  '_delayMs'?: "delayMs";
}
