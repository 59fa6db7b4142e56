// Original file: proto/kodama/v1/listener.proto

import type { ProxyProtocolMode as _kodama_v1_ProxyProtocolMode, ProxyProtocolMode__Output as _kodama_v1_ProxyProtocolMode__Output } from '../../kodama/v1/ProxyProtocolMode.ts';

export interface ProxyProtocol {
  'mode'?: (_kodama_v1_ProxyProtocolMode);
  'trustedCidrs'?: (string)[];
}

export interface ProxyProtocol__Output {
  'mode'?: (_kodama_v1_ProxyProtocolMode__Output);
  'trustedCidrs'?: (string)[];
}
