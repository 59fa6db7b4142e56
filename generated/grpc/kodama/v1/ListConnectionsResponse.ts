// Original file: proto/kodama/v1/connection_service.proto

import type { Connection as _kodama_v1_Connection, Connection__Output as _kodama_v1_Connection__Output } from '../../kodama/v1/Connection.ts';

export interface ListConnectionsResponse {
  'connections'?: (_kodama_v1_Connection)[];
  'nextPageToken'?: (string);
}

export interface ListConnectionsResponse__Output {
  'connections'?: (_kodama_v1_Connection__Output)[];
  'nextPageToken'?: (string);
}
