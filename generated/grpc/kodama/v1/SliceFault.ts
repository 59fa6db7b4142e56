// Original file: proto/kodama/v1/fault.proto


export interface SliceFault {
  'averageBytes'?: (number);
  'variationBytes'?: (number);
  'delayMs'?: (number);
  '_averageBytes'?: "averageBytes";
  '_variationBytes'?: "variationBytes";
  '_delayMs'?: "delayMs";
}

export interface SliceFault__Output {
  'averageBytes'?: (number);
  'variationBytes'?: (number);
  'delayMs'?: (number);
  '_averageBytes'?: "averageBytes";
  '_variationBytes'?: "variationBytes";
  '_delayMs'?: "delayMs";
}
