/** How V8 collects the garbage of a process that has started. */
import { performance } from 'node:perf_hooks';
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

/** How often it is looked whether the process rests, and so much of that time its loop may have been at work. */
const lookMs = 1000;
const restingShare = 0.1;

/**
 * Sets how garbage is collected from now on, and gives back what a start needed and nothing else does, which V8 lets an
 * idle process keep: once the process rests, since everything else waits for it, 0.1 s on a slow machine. Those who have
 * waited for a start call at once, and what was made for it is still of use to them. One that never rests needs the room.
 */
export function settleHeap({ everyMs = lookMs } = {}): Disposable {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  setFlagsFromString(`--concurrent-marking-max-worker-num=${markingThreads}`);
  let seen = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, seen);
    seen = now;
    if (utilization > restingShare) return;
    clearInterval(timer);
    collectAll();
  }, everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * All that can be had, and the room of the young generation, which has grown to its limit by then. Node has no call of its
 * own for a collection: V8 gives its `gc` to a context that is made under this flag.
 */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (of: Readonly<Record<string, string>>) => void;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', flavor: 'last-resort' });
}
