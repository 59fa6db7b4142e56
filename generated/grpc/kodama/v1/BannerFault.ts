// Original file: proto/kodama/v1/fault.proto


export interface BannerFault {
  'text'?: (string);
  'base64'?: (string);
  'delayMs'?: (number);
  '_text'?: "text";
  '_base64'?: "base64";
  '_delayMs'?: "delayMs";
}

export interface BannerFault__Output {
  'text'?: (string);
  'base64'?: (string);
  'delayMs'?: (number);
  '_text'?: "text";
  '_base64'?: "base64";
  '_delayMs'?: "delayMs";
}
