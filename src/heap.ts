/** How V8 collects the garbage of a process that has started. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * So much more than is alive may lie in the old generation before it is collected, in percent. After a collection that
 * spares memory V8 allows it much less, and a process that becomes busy then is collected whole once a second: from accept
 * to event took 13 ms at p99 where it takes 6 now.
 */
const growthPercent = 200;

/**
 * So many threads mark what is alive while the loop goes on. V8 takes four, and they take every processor of a small
 * machine from the loop, from the workers and from PostgreSQL for as long as it takes, which is felt for 30 to 50 ms.
 */
const markingThreads = 1;

/**
 * Gives back what a start needed and nothing else does, which V8 lets an idle process keep, and sets what holds from then
 * on. Everything else waits for it. Node has no call of its own for a collection: V8 gives its `gc` to a context that is
 * made under this flag.
 */
export function settleHeap(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (of: Readonly<Record<string, string>>) => void;
  setFlagsFromString('--no-expose-gc');
  // All that can be had, and the room of the young generation, which has grown to its limit by then.
  gc({ type: 'major', flavor: 'last-resort' });
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  setFlagsFromString(`--concurrent-marking-max-worker-num=${markingThreads}`);
}
