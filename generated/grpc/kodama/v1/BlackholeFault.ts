// Original file: proto/kodama/v1/fault.proto

import type { BlackholeHow as _kodama_v1_BlackholeHow, BlackholeHow__Output as _kodama_v1_BlackholeHow__Output } from '../../kodama/v1/BlackholeHow.ts';

export interface BlackholeFault {
  'how'?: (_kodama_v1_BlackholeHow);
}

export interface BlackholeFault__Output {
  'how'?: (_kodama_v1_BlackholeHow__Output);
}
