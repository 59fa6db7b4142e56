/** Networks may be written in many ways; a mapped one is kept as the IPv4 network that it maps. */
import { formatCidr, parseCidr } from '../core/address.ts';

/** In one way, of a text or the texts of a list or object; what is no network is as it is. */
export function plainNetwork(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainNetwork);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, plainNetwork(one)]),
    );
  }
  const network = typeof value === 'string' ? parseCidr(value) : null;
  return network === null ? value : formatCidr(network);
}
