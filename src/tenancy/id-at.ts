import { v7 as uuidv7 } from 'uuid';
import type { Micros } from '../core/time.ts';

/** A UUIDv7 of that time, which is the control plane's: the host's own may be wrong. */
export function idAt(time: Micros): string {
  return uuidv7({ msecs: Math.floor(time / 1000) });
}
