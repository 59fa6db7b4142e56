/**
 * A rate for each address that calls, of the newest so many. Of IPv6 it is one for each /64: a host has as many. What a
 * socket on `::` tells of an IPv4 client is that client's IPv4 address: as IPv6 all of them would be of one /64.
 */
import { isIPv6 } from 'node:net';
import { ipNumber, plainIp } from './address.ts';
import type { Micros } from './time.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

export class AddressRates {
  readonly #rate: Rate;
  readonly #addressesMax: number;
  /** In the order in which they were asked for. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate, addressesMax: number) {
    this.#rate = rate;
    this.#addressesMax = addressesMax;
  }

  of(address: string | null, now: Micros): TokenBucket {
    const network = networkOf(address);
    const bucket = this.#buckets.get(network) ?? new TokenBucket(this.#rate, now);
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    const [oldest = network] = this.#buckets.keys();
    if (this.#buckets.size > this.#addressesMax) this.#buckets.delete(oldest);
    return bucket;
  }
}

function networkOf(told: string | null): string {
  const address = plainIp(told ?? '');
  return isIPv6(address) ? `${ipNumber(address) >> 64n}` : address;
}
