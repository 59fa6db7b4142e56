// Original file: proto/kodama/v1/fault.proto


export interface FaultMatch {
  'cidr'?: (string);
  'everyNth'?: (number);
  'firstN'?: (number);
  'afterN'?: (number);
  '_cidr'?: "cidr";
  '_everyNth'?: "everyNth";
  '_firstN'?: "firstN";
  '_afterN'?: "afterN";
}

export interface FaultMatch__Output {
  'cidr'?: (string);
  'everyNth'?: (number);
  'firstN'?: (number);
  'afterN'?: (number);
  '_cidr'?: "cidr";
  '_everyNth'?: "everyNth";
  '_firstN'?: "firstN";
  '_afterN'?: "afterN";
}
