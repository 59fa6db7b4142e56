// Original file: proto/kodama/v1/event_service.proto

import type { Event as _kodama_v1_Event, Event__Output as _kodama_v1_Event__Output } from '../../kodama/v1/Event.ts';
import type { Synced as _kodama_v1_Synced, Synced__Output as _kodama_v1_Synced__Output } from '../../kodama/v1/Synced.ts';
import type { Heartbeat as _kodama_v1_Heartbeat, Heartbeat__Output as _kodama_v1_Heartbeat__Output } from '../../kodama/v1/Heartbeat.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamEventsResponse {
  'seq'?: (number | string | Long);
  'event'?: (_kodama_v1_Event | null);
  'synced'?: (_kodama_v1_Synced | null);
  'heartbeat'?: (_kodama_v1_Heartbeat | null);
  'payload'?: "event"|"synced"|"heartbeat";
}

export interface StreamEventsResponse__Output {
  'seq'?: (string);
  'event'?: (_kodama_v1_Event__Output);
  'synced'?: (_kodama_v1_Synced__Output);
  'heartbeat'?: (_kodama_v1_Heartbeat__Output);
  'payload'?: "event"|"synced"|"heartbeat";
}
