// Original file: proto/kodama/v1/fault.proto

import type { FaultMatch as _kodama_v1_FaultMatch, FaultMatch__Output as _kodama_v1_FaultMatch__Output } from '../../kodama/v1/FaultMatch.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { LatencyFault as _kodama_v1_LatencyFault, LatencyFault__Output as _kodama_v1_LatencyFault__Output } from '../../kodama/v1/LatencyFault.ts';
import type { BandwidthFault as _kodama_v1_BandwidthFault, BandwidthFault__Output as _kodama_v1_BandwidthFault__Output } from '../../kodama/v1/BandwidthFault.ts';
import type { SliceFault as _kodama_v1_SliceFault, SliceFault__Output as _kodama_v1_SliceFault__Output } from '../../kodama/v1/SliceFault.ts';
import type { LimitFault as _kodama_v1_LimitFault, LimitFault__Output as _kodama_v1_LimitFault__Output } from '../../kodama/v1/LimitFault.ts';
import type { CloseFault as _kodama_v1_CloseFault, CloseFault__Output as _kodama_v1_CloseFault__Output } from '../../kodama/v1/CloseFault.ts';
import type { AcceptDelayFault as _kodama_v1_AcceptDelayFault, AcceptDelayFault__Output as _kodama_v1_AcceptDelayFault__Output } from '../../kodama/v1/AcceptDelayFault.ts';
import type { RefuseFault as _kodama_v1_RefuseFault, RefuseFault__Output as _kodama_v1_RefuseFault__Output } from '../../kodama/v1/RefuseFault.ts';
import type { BlackholeFault as _kodama_v1_BlackholeFault, BlackholeFault__Output as _kodama_v1_BlackholeFault__Output } from '../../kodama/v1/BlackholeFault.ts';
import type { DropFault as _kodama_v1_DropFault, DropFault__Output as _kodama_v1_DropFault__Output } from '../../kodama/v1/DropFault.ts';
import type { DuplicateFault as _kodama_v1_DuplicateFault, DuplicateFault__Output as _kodama_v1_DuplicateFault__Output } from '../../kodama/v1/DuplicateFault.ts';
import type { CorruptFault as _kodama_v1_CorruptFault, CorruptFault__Output as _kodama_v1_CorruptFault__Output } from '../../kodama/v1/CorruptFault.ts';
import type { SlowCloseFault as _kodama_v1_SlowCloseFault, SlowCloseFault__Output as _kodama_v1_SlowCloseFault__Output } from '../../kodama/v1/SlowCloseFault.ts';
import type { BannerFault as _kodama_v1_BannerFault, BannerFault__Output as _kodama_v1_BannerFault__Output } from '../../kodama/v1/BannerFault.ts';

export interface Fault {
  'probability'?: (number | string);
  'seed'?: (number);
  'match'?: (_kodama_v1_FaultMatch | null);
  'enabled'?: (boolean);
  'expiresAt'?: (_google_protobuf_Timestamp | null);
  'latency'?: (_kodama_v1_LatencyFault | null);
  'bandwidth'?: (_kodama_v1_BandwidthFault | null);
  'slice'?: (_kodama_v1_SliceFault | null);
  'limit'?: (_kodama_v1_LimitFault | null);
  'close'?: (_kodama_v1_CloseFault | null);
  'acceptDelay'?: (_kodama_v1_AcceptDelayFault | null);
  'refuse'?: (_kodama_v1_RefuseFault | null);
  'blackhole'?: (_kodama_v1_BlackholeFault | null);
  'drop'?: (_kodama_v1_DropFault | null);
  'duplicate'?: (_kodama_v1_DuplicateFault | null);
  'corrupt'?: (_kodama_v1_CorruptFault | null);
  'slowClose'?: (_kodama_v1_SlowCloseFault | null);
  'banner'?: (_kodama_v1_BannerFault | null);
  '_probability'?: "probability";
  '_seed'?: "seed";
  '_enabled'?: "enabled";
  'effect'?: "latency"|"bandwidth"|"slice"|"limit"|"close"|"acceptDelay"|"refuse"|"blackhole"|"drop"|"duplicate"|"corrupt"|"slowClose"|"banner";
}

export interface Fault__Output {
  'probability'?: (number);
  'seed'?: (number);
  'match'?: (_kodama_v1_FaultMatch__Output);
  'enabled'?: (boolean);
  'expiresAt'?: (_google_protobuf_Timestamp__Output);
  'latency'?: (_kodama_v1_LatencyFault__Output);
  'bandwidth'?: (_kodama_v1_BandwidthFault__Output);
  'slice'?: (_kodama_v1_SliceFault__Output);
  'limit'?: (_kodama_v1_LimitFault__Output);
  'close'?: (_kodama_v1_CloseFault__Output);
  'acceptDelay'?: (_kodama_v1_AcceptDelayFault__Output);
  'refuse'?: (_kodama_v1_RefuseFault__Output);
  'blackhole'?: (_kodama_v1_BlackholeFault__Output);
  'drop'?: (_kodama_v1_DropFault__Output);
  'duplicate'?: (_kodama_v1_DuplicateFault__Output);
  'corrupt'?: (_kodama_v1_CorruptFault__Output);
  'slowClose'?: (_kodama_v1_SlowCloseFault__Output);
  'banner'?: (_kodama_v1_BannerFault__Output);
  '_probability'?: "probability";
  '_seed'?: "seed";
  '_enabled'?: "enabled";
  'effect'?: "latency"|"bandwidth"|"slice"|"limit"|"close"|"acceptDelay"|"refuse"|"blackhole"|"drop"|"duplicate"|"corrupt"|"slowClose"|"banner";
}
