/** Where a listener is reached. */
import { isIPv4 } from 'node:net';

function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** By whoever reaches the kodama that has it at this URL. */
export function hostHere(ip: string, url: string): string {
  if (!isWildcard(ip)) return ip;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const isLoopback =
    host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  // Nobody who listens on 0.0.0.0 hears at ::1, and a system may keep the families of :: apart (ipv6(7)).
  return isLoopback ? (ip === '::' ? '::1' : '127.0.0.1') : host;
}
