import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';
import type { AcceptDelayFault as _kodama_v1_AcceptDelayFault, AcceptDelayFault__Output as _kodama_v1_AcceptDelayFault__Output } from './kodama/v1/AcceptDelayFault.ts';
import type { AcceptRate as _kodama_v1_AcceptRate, AcceptRate__Output as _kodama_v1_AcceptRate__Output } from './kodama/v1/AcceptRate.ts';
import type { Address as _kodama_v1_Address, Address__Output as _kodama_v1_Address__Output } from './kodama/v1/Address.ts';
import type { BandwidthFault as _kodama_v1_BandwidthFault, BandwidthFault__Output as _kodama_v1_BandwidthFault__Output } from './kodama/v1/BandwidthFault.ts';
import type { BannerFault as _kodama_v1_BannerFault, BannerFault__Output as _kodama_v1_BannerFault__Output } from './kodama/v1/BannerFault.ts';
import type { BlackholeFault as _kodama_v1_BlackholeFault, BlackholeFault__Output as _kodama_v1_BlackholeFault__Output } from './kodama/v1/BlackholeFault.ts';
import type { CloseFault as _kodama_v1_CloseFault, CloseFault__Output as _kodama_v1_CloseFault__Output } from './kodama/v1/CloseFault.ts';
import type { CorruptFault as _kodama_v1_CorruptFault, CorruptFault__Output as _kodama_v1_CorruptFault__Output } from './kodama/v1/CorruptFault.ts';
import type { DropFault as _kodama_v1_DropFault, DropFault__Output as _kodama_v1_DropFault__Output } from './kodama/v1/DropFault.ts';
import type { DuplicateFault as _kodama_v1_DuplicateFault, DuplicateFault__Output as _kodama_v1_DuplicateFault__Output } from './kodama/v1/DuplicateFault.ts';
import type { Fault as _kodama_v1_Fault, Fault__Output as _kodama_v1_Fault__Output } from './kodama/v1/Fault.ts';
import type { FaultMatch as _kodama_v1_FaultMatch, FaultMatch__Output as _kodama_v1_FaultMatch__Output } from './kodama/v1/FaultMatch.ts';
import type { LatencyFault as _kodama_v1_LatencyFault, LatencyFault__Output as _kodama_v1_LatencyFault__Output } from './kodama/v1/LatencyFault.ts';
import type { LimitFault as _kodama_v1_LimitFault, LimitFault__Output as _kodama_v1_LimitFault__Output } from './kodama/v1/LimitFault.ts';
import type { Listener as _kodama_v1_Listener, Listener__Output as _kodama_v1_Listener__Output } from './kodama/v1/Listener.ts';
import type { ListenerLimits as _kodama_v1_ListenerLimits, ListenerLimits__Output as _kodama_v1_ListenerLimits__Output } from './kodama/v1/ListenerLimits.ts';
import type { ListenerReason as _kodama_v1_ListenerReason, ListenerReason__Output as _kodama_v1_ListenerReason__Output } from './kodama/v1/ListenerReason.ts';
import type { ListeningSocket as _kodama_v1_ListeningSocket, ListeningSocket__Output as _kodama_v1_ListeningSocket__Output } from './kodama/v1/ListeningSocket.ts';
import type { ProxyProtocol as _kodama_v1_ProxyProtocol, ProxyProtocol__Output as _kodama_v1_ProxyProtocol__Output } from './kodama/v1/ProxyProtocol.ts';
import type { RefuseFault as _kodama_v1_RefuseFault, RefuseFault__Output as _kodama_v1_RefuseFault__Output } from './kodama/v1/RefuseFault.ts';
import type { SliceFault as _kodama_v1_SliceFault, SliceFault__Output as _kodama_v1_SliceFault__Output } from './kodama/v1/SliceFault.ts';
import type { SlowCloseFault as _kodama_v1_SlowCloseFault, SlowCloseFault__Output as _kodama_v1_SlowCloseFault__Output } from './kodama/v1/SlowCloseFault.ts';
import type { TlsSettings as _kodama_v1_TlsSettings, TlsSettings__Output as _kodama_v1_TlsSettings__Output } from './kodama/v1/TlsSettings.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
  kodama: {
    v1: {
      AcceptDelayFault: MessageTypeDefinition<_kodama_v1_AcceptDelayFault, _kodama_v1_AcceptDelayFault__Output>
      AcceptRate: MessageTypeDefinition<_kodama_v1_AcceptRate, _kodama_v1_AcceptRate__Output>
      Address: MessageTypeDefinition<_kodama_v1_Address, _kodama_v1_Address__Output>
      BandwidthFault: MessageTypeDefinition<_kodama_v1_BandwidthFault, _kodama_v1_BandwidthFault__Output>
      BandwidthScope: EnumTypeDefinition
      BannerFault: MessageTypeDefinition<_kodama_v1_BannerFault, _kodama_v1_BannerFault__Output>
      BlackholeFault: MessageTypeDefinition<_kodama_v1_BlackholeFault, _kodama_v1_BlackholeFault__Output>
      BlackholeHow: EnumTypeDefinition
      CloseFault: MessageTypeDefinition<_kodama_v1_CloseFault, _kodama_v1_CloseFault__Output>
      CloseFaultMode: EnumTypeDefinition
      CorruptFault: MessageTypeDefinition<_kodama_v1_CorruptFault, _kodama_v1_CorruptFault__Output>
      DropFault: MessageTypeDefinition<_kodama_v1_DropFault, _kodama_v1_DropFault__Output>
      DuplicateFault: MessageTypeDefinition<_kodama_v1_DuplicateFault, _kodama_v1_DuplicateFault__Output>
      Fault: MessageTypeDefinition<_kodama_v1_Fault, _kodama_v1_Fault__Output>
      FaultMatch: MessageTypeDefinition<_kodama_v1_FaultMatch, _kodama_v1_FaultMatch__Output>
      LatencyDistribution: EnumTypeDefinition
      LatencyFault: MessageTypeDefinition<_kodama_v1_LatencyFault, _kodama_v1_LatencyFault__Output>
      LimitAction: EnumTypeDefinition
      LimitFault: MessageTypeDefinition<_kodama_v1_LimitFault, _kodama_v1_LimitFault__Output>
      Listener: MessageTypeDefinition<_kodama_v1_Listener, _kodama_v1_Listener__Output>
      ListenerLimits: MessageTypeDefinition<_kodama_v1_ListenerLimits, _kodama_v1_ListenerLimits__Output>
      ListenerMode: EnumTypeDefinition
      ListenerReason: MessageTypeDefinition<_kodama_v1_ListenerReason, _kodama_v1_ListenerReason__Output>
      ListenerState: EnumTypeDefinition
      ListeningSocket: MessageTypeDefinition<_kodama_v1_ListeningSocket, _kodama_v1_ListeningSocket__Output>
      Protocol: EnumTypeDefinition
      ProxyProtocol: MessageTypeDefinition<_kodama_v1_ProxyProtocol, _kodama_v1_ProxyProtocol__Output>
      ProxyProtocolMode: EnumTypeDefinition
      Recording: EnumTypeDefinition
      RefuseFault: MessageTypeDefinition<_kodama_v1_RefuseFault, _kodama_v1_RefuseFault__Output>
      SliceFault: MessageTypeDefinition<_kodama_v1_SliceFault, _kodama_v1_SliceFault__Output>
      SlowCloseFault: MessageTypeDefinition<_kodama_v1_SlowCloseFault, _kodama_v1_SlowCloseFault__Output>
      TlsClientAuth: EnumTypeDefinition
      TlsSettings: MessageTypeDefinition<_kodama_v1_TlsSettings, _kodama_v1_TlsSettings__Output>
      TlsVersion: EnumTypeDefinition
    }
  }
}

