// Original file: proto/kodama/v1/listener.proto


export interface AcceptRate {
  'perSecond'?: (number);
  'burst'?: (number);
  '_perSecond'?: "perSecond";
  '_burst'?: "burst";
}

export interface AcceptRate__Output {
  'perSecond'?: (number);
  'burst'?: (number);
  '_perSecond'?: "perSecond";
  '_burst'?: "burst";
}
