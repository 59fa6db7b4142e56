// Original file: proto/kodama/v1/listener_service.proto

import type { TlsClientAuth as _kodama_v1_TlsClientAuth, TlsClientAuth__Output as _kodama_v1_TlsClientAuth__Output } from '../../kodama/v1/TlsClientAuth.ts';
import type { TlsVersion as _kodama_v1_TlsVersion, TlsVersion__Output as _kodama_v1_TlsVersion__Output } from '../../kodama/v1/TlsVersion.ts';

export interface NewTls {
  'cert'?: (string);
  'key'?: (string);
  'clientAuth'?: (_kodama_v1_TlsClientAuth);
  'ca'?: (string);
  'minVersion'?: (_kodama_v1_TlsVersion);
  '_cert'?: "cert";
  '_key'?: "key";
  '_ca'?: "ca";
}

export interface NewTls__Output {
  'cert'?: (string);
  'key'?: (string);
  'clientAuth'?: (_kodama_v1_TlsClientAuth__Output);
  'ca'?: (string);
  'minVersion'?: (_kodama_v1_TlsVersion__Output);
  '_cert'?: "cert";
  '_key'?: "key";
  '_ca'?: "ca";
}
