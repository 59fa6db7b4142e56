// Original file: proto/kodama/v1/listener_service.proto


export interface PortRange {
  'from'?: (number);
  'to'?: (number);
  '_from'?: "from";
  '_to'?: "to";
}

export interface PortRange__Output {
  'from'?: (number);
  'to'?: (number);
  '_from'?: "from";
  '_to'?: "to";
}
