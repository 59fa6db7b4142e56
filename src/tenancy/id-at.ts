import { v7 as uuidv7 } from 'uuid';
import type { Micros } from '../core/time.ts';

/** A UUIDv7 of that time, which is the control plane's: the host's own may be wrong. */
export function idAt(time: Micros): string {
  return uuidv7({ msecs: Math.floor(time / 1000) });
}

/** Of a UUIDv7, to the millisecond. */
export function timeOfId(id: string): Micros {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16) * 1000;
}
