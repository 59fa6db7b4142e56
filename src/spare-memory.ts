/** Gives back what a start needed and nothing else does: it would stay, since V8 lets an idle process keep its room. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

interface Collection {
  readonly type: 'major';
  /** All that can be had, and the room of the young generation, which has grown to its limit by then. */
  readonly flavor: 'last-resort';
}

/**
 * Everything else waits for it. Node has no call of its own for it: V8 gives its `gc` to a context that is made under
 * this flag.
 */
export function spareMemory(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (collection: Collection) => void;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', flavor: 'last-resort' });
}
