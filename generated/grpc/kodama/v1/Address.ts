// Original file: proto/kodama/v1/address.proto


export interface Address {
  'ip'?: (string);
  'port'?: (number);
}

export interface Address__Output {
  'ip'?: (string);
  'port'?: (number);
}
