/** Why an edge could not listen (bind(2), listen(2)), in words. */
import { type Address, formatAddress } from '../core/address.ts';

export type EdgeName = 'REST' | 'gRPC' | 'the gateway';

export function listenError(edge: EdgeName, address: Address, cause: unknown): Error {
  const where = formatAddress(address);
  return new Error(`${edge} cannot listen on ${where}: ${why(cause)}`, { cause });
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE') return 'the address is in use';
  if (code === 'EADDRNOTAVAIL') return 'the address is not one of this host';
  if (code === 'EACCES') return 'this user may not bind the port';
  return error instanceof Error ? error.message : String(error);
}
