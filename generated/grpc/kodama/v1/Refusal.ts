// Original file: proto/kodama/v1/event.proto

import type { Protocol as _kodama_v1_Protocol, Protocol__Output as _kodama_v1_Protocol__Output } from '../../kodama/v1/Protocol.ts';
import type { Address as _kodama_v1_Address, Address__Output as _kodama_v1_Address__Output } from '../../kodama/v1/Address.ts';
import type { RefusalRule as _kodama_v1_RefusalRule, RefusalRule__Output as _kodama_v1_RefusalRule__Output } from '../../kodama/v1/RefusalRule.ts';
import type { Long } from '@grpc/proto-loader';

export interface Refusal {
  'protocol'?: (_kodama_v1_Protocol);
  'laddr'?: (_kodama_v1_Address | null);
  'raddr'?: (_kodama_v1_Address | null);
  'rule'?: (_kodama_v1_RefusalRule);
  'count'?: (number | string | Long);
  'listenerName'?: (string);
  '_listenerName'?: "listenerName";
}

export interface Refusal__Output {
  'protocol'?: (_kodama_v1_Protocol__Output);
  'laddr'?: (_kodama_v1_Address__Output);
  'raddr'?: (_kodama_v1_Address__Output);
  'rule'?: (_kodama_v1_RefusalRule__Output);
  'count'?: (string);
  'listenerName'?: (string);
  '_listenerName'?: "listenerName";
}
