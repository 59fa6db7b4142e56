/** The networks by which the history finds addresses: a filter that is narrower reads those of one. */

/** The wider network of an address, as a number: its first 16 bits, or 32 of IPv6. */
export function netOf(ip: string): number {
  const [first = '', second = ''] = ip.split(ip.includes(':') ? ':' : '.', 2);
  if (!ip.includes(':')) return Number(first) * 256 + Number(second);
  // An empty group is the first of several zeros (RFC 5952, 4.2).
  return (Number.parseInt(`${first || 0}`, 16) << 16) | Number.parseInt(second || '0', 16);
}

/** Of an address of this family, the bits that its net tells. */
export function netBits(ip: string): number {
  return ip.includes(':') ? 32 : 16;
}
