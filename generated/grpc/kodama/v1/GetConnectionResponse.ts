// Original file: proto/kodama/v1/connection_service.proto

import type { Connection as _kodama_v1_Connection, Connection__Output as _kodama_v1_Connection__Output } from '../../kodama/v1/Connection.ts';

export interface GetConnectionResponse {
  'connection'?: (_kodama_v1_Connection | null);
}

export interface GetConnectionResponse__Output {
  'connection'?: (_kodama_v1_Connection__Output);
}
