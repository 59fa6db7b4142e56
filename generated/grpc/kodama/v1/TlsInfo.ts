// Original file: proto/kodama/v1/connection.proto


export interface TlsInfo {
  'version'?: (string);
  'cipher'?: (string);
  'sni'?: (string);
  'alpn'?: (string);
  'clientFingerprint256'?: (string);
  'clientAuthorized'?: (boolean);
  '_sni'?: "sni";
  '_alpn'?: "alpn";
  '_clientFingerprint256'?: "clientFingerprint256";
}

export interface TlsInfo__Output {
  'version'?: (string);
  'cipher'?: (string);
  'sni'?: (string);
  'alpn'?: (string);
  'clientFingerprint256'?: (string);
  'clientAuthorized'?: (boolean);
  '_sni'?: "sni";
  '_alpn'?: "alpn";
  '_clientFingerprint256'?: "clientFingerprint256";
}
